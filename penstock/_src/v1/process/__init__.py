"""What a program of TensorFlow 1 asks of its process: its log, its files, its flags and the start of `main`.

In: messages, paths, command lines. Out: what Python's own modules and absl make of them. A file per namespace: `log.py` is
`tf.compat.v1.logging`, `resources.py` has `resource_loader`, `app` and `flags`.
"""
