"""Graphs as MLIR text in TensorFlow's dialects (`tf.mlir.experimental`). In: concrete functions and GraphDefs; out: text.

`text.py` writes types and attributes, `body.py` turns a graph into lines of operations, as they stand or after the standard pipeline, and
`module.py` is the public functions, which put bodies and what they call into a module. TensorFlow's parser reads what is written
(`tests/formats/graph_def/mlir`).
"""
