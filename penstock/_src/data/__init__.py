"""tf.data: datasets, their iterators and options.

In: arrays, files, generators. Out: `Dataset`s, each of which holds the variant tensor of a pipeline of dataset ops; the pipelines
themselves are in `ops/data`.

Read `dataset.py` first: the class, and where elements come from. Its methods are mixed in: `transforms.py` (no function of the user's),
`functional.py` (with one; `traced.py` traces it), `sampling.py` (several datasets; batches of similar lengths), `stored.py` (files of
elements). `structure.py` turns elements into flat lists of tensors and back. A new method goes to the mixin of its kind, a dataset
of files to `readers.py`, what only `tf.data.experimental` has to `experimental/`.
"""
