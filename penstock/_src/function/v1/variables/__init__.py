"""Variables by name: TensorFlow 1's variable scopes.

`scopes.py` has `variable_scope` and `get_variable`; `store.py` makes variables and finds them again; `partitioned.py`
knows variables that are cut into parts.
"""
