"""`tensorflow_decision_forests` under its own name: the package ydf fits, `trees/` predicts.

`alias.py` has the import hook and the table of modules; `models.py` the Keras models: read it first. `datasets.py` turns datasets and data frames into columns, `inspection.py`,
`plotting.py` and `tuning.py` are what the modules of these names offer.
"""
