"""tf.data: datasets, their iterators and options.

In: arrays, files, generators. Out: `Dataset`s, each of which holds the variant tensor of a pipeline of dataset ops; the pipelines
themselves are in `ops/data`.

Read `dataset.py` first: the class and its sources. Mixins have its other methods: `transforms.py` (those without a user
function), `functional.py` (those with one; `traced.py` traces it), `sampling.py` (several datasets; batches of similar
lengths), `stored.py` (files of elements). `structure.py` flattens elements to lists of tensors and back, `batching/` makes batches
of elements that differ in shape, and `graph_defs.py` writes datasets as graphs. A new method goes
into the mixin of its kind, a dataset of files into `readers.py`, and anything that exists only in `tf.data.experimental`
into `experimental/`.
"""
