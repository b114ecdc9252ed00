"""`tensorflow_decision_forests` under its own name: the package ydf fits, `trees/` predicts.

`alias.py` has the import hook and the table of modules; `models.py` the Keras models: read it first. `datasets.py` turns datasets and data frames into columns; `plotting.py` and `tuning.py` are what the modules of these names offer.
`inspection.py` looks into YDF's files, `evaluations.py` into the evaluations there; `py_tree/` has the trees that it finds, which `building/` makes models of. Neither needs ydf.
"""
