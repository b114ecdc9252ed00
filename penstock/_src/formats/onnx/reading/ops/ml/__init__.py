"""Readers of ai.onnx.ml, what scikit-learn, LightGBM and XGBoost are exported to: `encoders.py` for tables, `linear.py`,
`support_vectors.py`, `trees.py` with `forests.py`.

Classifiers give a label and scores (`scores.py`). ONNX Runtime's `ZipMap` makes dictionaries of scores; here the scores remain a tensor.
"""
