"""tf.tpu: descriptions of TPU systems and of embedding tables. Nothing runs on a TPU.

Topologies, assignments and configurations are plain data and complete; tables can be created and looked up on the CPU,
as for serving. Functions that need a TPU raise the error that TensorFlow raises without one.
"""
