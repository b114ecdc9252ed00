"""Writes ONNX models. `model.py` takes a Model, `writer.py` holds the graph that is being made, `ops/` has a function for each raw op,
registered where it stands; `transposes.py` then removes pairs of transposes.
"""
