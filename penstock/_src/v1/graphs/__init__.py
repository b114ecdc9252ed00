"""The default graph and sessions: how TensorFlow 1 builds a program and runs it.

In: operations made while a graph is the default one; what to feed and fetch. Out: values.
Read `default_graph.py` first (where operations go), then `session.py` (which part of a graph is run, compiled, and kept by what is
fed and fetched); `handles.py` are values that stay in a session, `control_flow.py` branches and loops, `devices.py` where operations are placed.
"""
