"""Ensembles of decision trees: the op that sums the leaves that rows reach.

`tables.py` has the tables of an ensemble, their checks and the walk in NumPy: read it first. `ensemble.py` has the op. `leaf_masks.py` and `paths.py`
arrange the tables for the two kernels (`compiler/codegen/specials/trees`); `ensemble.py` takes the cheaper one. `decision_forests.py` has the ops in SavedModels of
TensorFlow Decision Forests. Files are read by `trees/`.
"""
