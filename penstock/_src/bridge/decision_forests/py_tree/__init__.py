"""Trees as Python objects, for the inspector and the builders: `tree.py` has the whole, `node.py`, `condition.py` and `value.py` its parts, `dataspec.py` columns and `objective.py` tasks.

The names `core_*` and `set_core_node` turn messages of YDF's files into these objects and back.
"""
