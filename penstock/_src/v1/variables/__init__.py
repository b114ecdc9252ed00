"""Variables by name: TensorFlow 1's variable scopes.

In: names, shapes, types, initializers. Out: variables, found again by their names, and listed in the graph's collections.
`scopes.py` has `variable_scope` and `get_variable`; `store.py` makes variables and finds them again; `partitioned.py`
knows variables that are cut into parts. `collections.py` says what a graph lists, `initializers.py` what variables begin with,
`templates.py` how functions share variables, `global_step.py` counts steps; `updates.py` changes parts of variables,
`placement.py` and `partitioners.py` say where and in how many parts they live.
"""
