"""A program for one process or several: what there is besides ops on DTensors; prints what came out as JSON."""

import json
import sys

import numpy as np
import tensorflow as tf
from tensorflow.experimental import dtensor

kind = dtensor.initialize_accelerator_system("CPU")
count, rank = dtensor.num_clients(), dtensor.client_id()
mesh = dtensor.create_distributed_mesh([("x", count)], device_type=kind)
rows, whole = dtensor.Layout(["x", dtensor.UNSHARDED], mesh), dtensor.Layout.replicated(mesh, 2)
value = np.arange(24, dtype="float32").reshape(8, 3)
results = {"mesh": [mesh.size, len(mesh.global_devices()), mesh.num_local_devices()]}


def held(tensor):
    """A DTensor's whole value."""
    return (
        dtensor.relayout(tensor, dtensor.Layout.replicated(mesh, len(tensor.shape)))
        .numpy()
        .tolist()
    )


own = value[rank * 8 // count : (rank + 1) * 8 // count]
packed = dtensor.pack([own], rows)
assert (dtensor.unpack(packed)[0].numpy() == own).all()
results["packed"] = held(packed)
variable = dtensor.DVariable(dtensor.copy_to_mesh(value, rows))
results["bytes"] = variable.handle._value.value.nbytes * count
checkpoint = dtensor.DTensorCheckpoint(mesh, v=variable)
path = checkpoint.save(sys.argv[1] + "/saved")
variable.assign(value * 0)
results["assigned"] = held(variable.read_value())
checkpoint.restore(path)
results["restored"] = held(variable.read_value())
dtensor.name_based_save(mesh, sys.argv[1] + "/named", {"a": packed})
results["named"] = held(
    dtensor.name_based_restore(mesh, sys.argv[1] + "/named", {"a": packed})["a"]
)
dataset = tf.data.Dataset.from_tensor_slices(value)
batches = dtensor.DTensorDataset(
    dataset, mesh=mesh, layouts=rows, global_batch_size=4, batch_dim="x"
)
results["batches"] = [held(batch) for batch in batches]


@tf.function
def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.matmul(variable, x, transpose_a=True) ** 2)
    gradient = tape.gradient(loss, variable)
    variable.assign_sub(1e-3 * gradient)
    return loss, gradient


loss, gradient = step(packed)
dtensor.check_layout(gradient, rows)
results["loss"], results["trained"] = float(loss.numpy()), held(variable.read_value())
with dtensor.default_mesh(mesh):
    drawn = tf.random.normal([4])
results["drawn alike"] = len(set(np.unique(dtensor.unpack(drawn)[0].numpy()).tolist())) == 4
same = (
    tf.reduce_max(drawn)
    if count == 1
    else dtensor.copy_to_mesh(tf.ones([]), dtensor.Layout.replicated(mesh, 0))
)
made = dtensor.call_with_layout(tf.zeros, rows, [8, 3])
results["made"] = [dtensor.fetch_layout(made).sharding_specs, held(made)]
try:
    packed.numpy()
    results["refused"] = count == 1
except tf.errors.UnimplementedError:
    results["refused"] = True
try:
    dtensor.copy_to_mesh(tf.zeros([7, 3]), rows)
    results["uneven"] = count == 1
except tf.errors.InvalidArgumentError:
    results["uneven"] = True
dtensor.barrier(mesh)
print(json.dumps(results))
