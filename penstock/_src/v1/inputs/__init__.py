"""How TensorFlow 1 brings data into a graph.

In: files, arrays, datasets. Out: tensors that give another value at each run, and operations that fill queues.
Read `datasets.py` first (the datasets and iterators of `tf.compat.v1.data`), then `input_pipeline.py` (batches by queues), whose threads
`queue_runner.py` starts; `readers.py` reads records, `accumulators.py` gathers gradients.
"""
