"""Saving and loading of graphs and their variables.

In: a graph with its collections, or a checkpoint folder. Out: checkpoints, MetaGraphDefs, SavedModels, and functions
created from graphs.
Read `saver.py` (`train.Saver`) first; `meta_graph.py` writes graphs, `saved_model.py` folders with graphs and variables,
described by `signature_defs.py`; `program.py` loads such a folder as an object with functions. `wrapped.py` turns code for
graphs into a function, `freezing/` turns variables into constants, `lite.py` converts graphs to TFLite, `initialized.py` initializes variables
from a checkpoint.
"""
