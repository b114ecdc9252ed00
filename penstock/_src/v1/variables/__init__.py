"""Named variables: TensorFlow 1's variable scopes.

In: names, shapes, dtypes, initializers. Out: variables, shared by name and listed in the graph's collections.
`scopes.py` has `variable_scope` and `get_variable`; `store.py` creates variables and finds them by name; `partitioned.py`
has partitioned variables. `collections.py` has the collections of a graph, `initializers.py` initializers, `templates.py`
functions that share variables, `global_step.py` the step counter, `updates.py` updates of parts of variables,
`placement.py` and `partitioners.py` the devices and the numbers of partitions of variables.
"""
