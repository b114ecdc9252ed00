"""Graphs as protocol buffers: GraphDefs and FunctionDefs written (`exporter`) and read (`importer`), and OpDefs of op classes.

`graph_defs` adds a GraphDef to a graph (tf.import_graph_def).

`attributes` encodes and decodes the attributes of ops; `v1_control` reads the loops and branches of TensorFlow 1 as functions.
"""
