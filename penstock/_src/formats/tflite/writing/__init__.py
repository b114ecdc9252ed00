"""Writes TFLite's files. In: concrete functions; out: the bytes of a `.tflite`.

`graph.py` collects tensors and operators of a graph, `ops/` has a function for each type of operation, registered where it stands, `weights.py`
stores constants narrower, `model.py` puts a file together. Read `graph.py` first.
"""
