"""Readers of ensembles: a file for each library. `table.py` finds the reader of a file or estimator; `forest.py` gathers trees."""
