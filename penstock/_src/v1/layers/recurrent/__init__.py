"""Recurrent networks: functions that run cells over time, TensorFlow 1's cells, and wrappers of cells.

In: a cell and sequences. Out: outputs and the final state. Read `dynamic.py` first, which runs a cell in a loop;
`static.py` unrolls it. `cell.py` has the base classes of cells, `cells.py` and `lstm.py` the cells. What wrappers do is in
`wrapping.py`; `wrappers.py` wraps Keras's cells, `cell_wrappers.py` those of TensorFlow 1. `states.py` validates cells and
creates their states.
"""
