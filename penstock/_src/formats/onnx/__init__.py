"""ONNX: models of other frameworks, and for other runtimes.

In: `.onnx` files; out: a Model, and back. Read `schema.py` for the messages. `reading/` builds functions of raw ops from nodes;
`writing/` makes nodes of raw ops. Neither needs the `onnx` package.
"""
