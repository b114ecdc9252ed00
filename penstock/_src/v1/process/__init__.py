"""Process-level services for programs of TensorFlow 1: logging, resource files, flags and the start of `main`.

In: messages, paths, command lines. Out: calls of Python's own modules and absl. A file per namespace: `log.py` is
`tf.compat.v1.logging`, `flags.py` is `flags`, `resources.py` has `resource_loader` and `app`.
"""
