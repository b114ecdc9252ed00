"""Builders of models by hand: `builders.py` has them, `columns.py` the columns that trees test, `imputation.py` what stands for missing values, `saved.py` the SavedModel."""
