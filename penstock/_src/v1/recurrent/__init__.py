"""Recurrent networks of TensorFlow's own: cells are run over time, with wrappers around cells.

In: a cell and sequences. Out: outputs and the last state. `dynamic.py` comes first: it runs a cell in a loop, `static.py` unrolled;
`wrappers.py` has the cells around cells on the base in `layer.py`; `states.py` says what a cell is and makes its states.
A new way of running cells goes into a file of its own.
"""
