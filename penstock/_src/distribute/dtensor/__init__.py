"""tf.experimental.dtensor: tensors spread over a mesh of this process's logical devices.

A DTensor holds the whole value and the layout by which TensorFlow would cut it; ops compute whole
values and `rules.py` says how their results lie. `mesh.py` and `layout.py` are plain data, `scopes.py`
is the hook in eager execution, `tensors.py` the functions. Start with `tensors.py`.
"""
