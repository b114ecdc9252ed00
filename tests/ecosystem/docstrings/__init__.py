"""Examples in the docstrings of a library's public names, run on TensorFlow and on Penstock side by side."""
