"""TensorFlow 1's way to run graphs: the default graph, sessions, wrap_function.

Read `session.py` first; `default_graph.py` says where operations go; variables and their scopes stand in `variables/`.
"""
