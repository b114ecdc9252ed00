"""Ensembles of decision trees of other libraries, as models. In: files of XGBoost, LightGBM and YDF, estimators of scikit-learn; out: a model that predicts.

`ensemble.py` has the record that all readers fill: read it first. `readers/` has a file for each library and `table.py`, which finds the one of a file. `model.py` has
`tf.trees.load` and what it returns; the sums are the op TreeEnsemble (`ops/trees`), so that a model is saved, exported, served and built as any other.
`kinds.py` has what SavedModels of TensorFlow Decision Forests compute.

A new library is a file in `readers/` and a row of its table; a new function of the sums is a row of `links.py`.
"""
