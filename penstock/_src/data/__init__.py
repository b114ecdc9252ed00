"""tf.data: the Dataset class over the raw dataset ops (ops/data), iterators, options.

`dataset.py` holds the class and its sources; `transforms.py`, `functional.py` and `sampling.py` the
methods that make a dataset of another; `structure.py` turns elements into flat lists of tensors.
"""
