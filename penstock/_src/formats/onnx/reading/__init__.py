"""Reads ONNX models. `model.py` takes the file, `translation.py` its graphs, node by node; `ops/` has a function for each
operator, registered where it stands (`registry.py`).
"""
