"""tf.tpu: descriptions of TPU systems and of embedding tables. Nothing runs on a TPU.

Topologies, assignments and configurations are plain data and complete; tables can be made and looked
up on the CPU, as for serving. What needs a TPU raises TensorFlow's error for its absence.
"""
