"""TensorFlow's own recurrent networks: functions that run cells over time, and cell wrappers.

In: a cell and sequences. Out: outputs and the final state. Read `dynamic.py` first, which runs a cell in a loop;
`static.py` unrolls it. `wrappers.py` has the cell wrappers, with their base class in `layer.py`; `states.py` validates cells
and creates their states. Each way of running cells has its own file.
"""
