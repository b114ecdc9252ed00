"""How graphs and their variables leave a process and come back.

In: a graph with its collections, or a checkpoint's folder. Out: checkpoints, MetaGraphDefs, SavedModels; and functions made of graphs.
`saver.py` (`train.Saver`) comes first; `meta_graph.py` writes graphs, `saved_model.py` folders with both, described by
`signature_defs.py`; `program.py` loads such a folder as an object with functions. `wrapped.py` makes a function of code for graphs,
`freezing.py` constants of a function's variables; `initialized.py` lets variables begin with the values of a checkpoint.
"""
