"""tf.experimental.dtensor: tensors sharded over a mesh of this process's logical devices.

A DTensor holds the whole value and the layout by which TensorFlow would shard it. Ops compute whole values, and
`rules.py` determines the layouts of their results. `mesh.py` and `layout.py` are plain data, `scopes.py` is the hook in
eager execution, `tensors.py` has the functions. Start with `tensors.py`.
"""
