"""`tensorflow.python.feature_column`: both generations of columns."""
