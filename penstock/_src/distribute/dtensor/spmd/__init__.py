"""Sharding propagation: translates ops on whole tensors to ops on shards, with exchanges between processes.

In: an operation (or a graph of them) over whole tensors, and the layouts of its inputs. Out: operations on the shards of this
process, and the layouts of their results. A rule (`rules/`) says for an op in which layouts it takes its inputs, in which
its results are, and over which mesh dimensions these have still to be summed; `relayout.py` inserts the exchanges. An op without
a rule takes whole inputs. Start with `plans.py`, then `partition.py`.

DTensors (`distribute/dtensor/`). On a mesh of processes a tensor is this process's shard with a layout. `spmd/partition.py` rewrites the graph of a
traced function, which is over whole tensors, for the layouts of its inputs: a rule for each op (`spmd/rules/`) gives a `Plan` (in which layouts
inputs are taken, in which results are, over what they have still to be summed), and exchanges of `ops/collective/mesh.py` are put between. Gradients
need nothing: their operations are in the graph. Eager ops take the same rules one by one (`spmd/eager.py`), by the hook in `RUN_EAGERLY`; calls of
functions come by the slot `RUN_FUNCTION`. On a mesh of one process's devices tensors are whole, and the rules only say layouts. Keras's TensorFlow
backend lacks what its distributions call; `bridge/keras_modules/distribution.py` adds it.
"""
