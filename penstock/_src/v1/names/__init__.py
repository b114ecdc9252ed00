"""What differs from TensorFlow 2 by names of arguments.

`arguments.py` takes the one of two names under which an argument may come.
"""
