"""Input pipelines of TensorFlow 1.

In: files, arrays, datasets. Out: tensors with a new value in each run, and operations that fill queues.
Read `datasets.py` first (the datasets and iterators of `tf.compat.v1.data`), then `input_pipeline.py` (batches from
queues), whose threads `queue_runner.py` starts; `readers.py` reads records, `accumulators.py` accumulates gradients.
"""
