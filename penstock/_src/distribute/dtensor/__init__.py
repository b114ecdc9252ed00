"""tf.experimental.dtensor: tensors sharded over a mesh of this process's logical devices, or of processes.

On a mesh of this process's devices a DTensor holds the whole value and the layout by which TensorFlow would shard it: ops
compute whole values. On a mesh of processes it holds this process's shard, and ops and functions run on shards. In both,
`spmd/` decides the layouts of results. `mesh.py` and `layout.py` are plain data, `values.py` has the tensors, `scopes.py`
is the hook in eager execution, `tensors.py` has the functions. Start with `tensors.py`, then `spmd/`.
"""
