"""The default graph and sessions: how TensorFlow 1 builds and runs a program.

In: operations created in the default graph; feeds and fetches. Out: values.
Read `default_graph.py` first (where operations go), then `session.py` (prunes a graph to its fetches, compiles it, and caches
the result by feeds and fetches). `handles.py` has values that stay in a session, `control_flow.py` branches and loops,
`devices.py` device placement,
`op_hints/` parts of graphs that converters see as one operation.
"""
