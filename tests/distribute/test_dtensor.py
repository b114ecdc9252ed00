"""tf.experimental.dtensor over logical devices of one process, against TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

dtensor = tf.experimental.dtensor
UNSHARDED = dtensor.UNSHARDED
MESH = dtensor.create_mesh([("x", 2), ("y", 2)], "m", [f"CPU:{i}" for i in range(4)])
ROWS = dtensor.Layout(["x", UNSHARDED], MESH)
WHOLE = dtensor.Layout.replicated(MESH, 2)
VALUE = np.arange(8, dtype=np.float32).reshape(4, 2)


def spread():
    return dtensor.copy_to_mesh(tf.constant(VALUE), ROWS)


def test_meshes_are_data():
    devices = ",".join(f"/job:localhost/replica:0/task:0/device:CPU:{i}" for i in range(4))
    assert MESH.to_string() == f"m|x=2,y=2|0,1,2,3|0,1,2,3|{devices}"
    assert dtensor.Mesh.from_string(MESH.to_string()) == MESH
    assert dtensor.Mesh.from_proto(MESH.as_proto()) == MESH
    assert MESH.unravel_index()[2] == {"x": 1, "y": 0} and MESH.strides == [2, 1]
    assert MESH["x"] == ("x", 2) and MESH.coords(3).numpy().tolist() == [1, 1]
    assert MESH.host_mesh().device_type() == "CPU" and not MESH.is_single_device()
    with pytest.raises(ValueError, match="Dimension z does not exist"):
        MESH.dim_size("z")
    with pytest.raises(ValueError, match="must be equal to total size"):
        dtensor.create_mesh([("x", 3)], devices=["CPU:0"])


def test_meshes_of_several_tasks_name_the_devices_of_all():
    mine, other = (f"/job:localhost/replica:0/task:{i}/device:CPU:0" for i in range(2))
    text = f"m|x=2|0,1|0|{mine}|{mine},{other}"
    mesh = dtensor.Mesh.from_string(text)
    assert mesh.to_string() == text and list(mesh.as_proto().global_devices) == [mine, other]
    assert mesh != dtensor.Mesh.from_string(f"m|x=2|0,1|0|{mine}")


def test_layouts_are_data():
    assert dtensor.Layout.from_string(ROWS.to_string()) == ROWS
    assert dtensor.Layout.from_proto(ROWS.as_proto()) == ROWS
    assert ROWS.local_shape_from_global_shape([4, 3]) == (2, 3)
    assert ROWS.offset_to_shard() == [(0, 0), (0, 0), (1, 0), (1, 0)]
    assert ROWS.is_batch_parallel() and not ROWS.is_fully_replicated()
    single = dtensor.Layout.from_device("/device:CPU:0")
    assert dtensor.Layout.from_string(single.to_string()) == single
    with pytest.raises(ValueError, match="must either be a valid mesh dimension"):
        dtensor.Layout(["z"], MESH)
    with pytest.raises(ValueError, match="was repeated"):
        dtensor.Layout(["x", "x"], MESH)


def test_tensors_are_cut_and_put_together():
    x = spread()
    parts = [part.numpy().tolist() for part in dtensor.unpack(x)]
    assert parts == [[[0, 1], [2, 3]]] * 2 + [[[4, 5], [6, 7]]] * 2
    assert dtensor.fetch_layout(dtensor.pack(dtensor.unpack(x), ROWS)) == ROWS
    np.testing.assert_array_equal(dtensor.relayout(x, WHOLE).numpy(), VALUE)
    assert dtensor.is_dtensor(x) and not dtensor.is_dtensor(tf.constant(1.0))
    dtensor.check_layout(dtensor.relayout_like(tf.constant(VALUE), x), ROWS)
    with pytest.raises(tf.errors.UnimplementedError, match="non-replicated"):
        x.numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected 4 inputs"):
        dtensor.pack([VALUE], ROWS)
    with pytest.raises(tf.errors.InvalidArgumentError, match="FetchLayout expects"):
        dtensor.fetch_layout(tf.constant(1.0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="equal parts"):
        dtensor.copy_to_mesh(tf.zeros([3, 2]), ROWS)


@pytest.mark.parametrize(
    ("function", "specs"),
    [
        (lambda x: x + x, ["x", UNSHARDED]),
        (lambda x: x * 2.0, ["x", UNSHARDED]),
        (tf.nn.relu, ["x", UNSHARDED]),
        (tf.transpose, [UNSHARDED, "x"]),
        (tf.reduce_sum, []),
        (lambda x: tf.reduce_sum(x, 0), [UNSHARDED]),
        (lambda x: tf.reduce_sum(x, 1), ["x"]),
        (lambda x: tf.matmul(x, tf.transpose(x)), [UNSHARDED, UNSHARDED]),
        (lambda x: tf.matmul(x, tf.ones([2, 3])), ["x", UNSHARDED]),
        (lambda x: tf.reshape(x, [8]), ["x"]),
        (lambda x: tf.concat([x, x], 0), [UNSHARDED, UNSHARDED]),
    ],
)
def test_results_lie_as_in_tensorflow(function, specs):
    result = function(spread())
    assert dtensor.fetch_layout(result).sharding_specs == specs
    whole = dtensor.relayout(result, dtensor.Layout.replicated(MESH, len(specs)))
    np.testing.assert_allclose(whole, function(tf.constant(VALUE)), rtol=1e-6)


def test_meshes_do_not_mix():
    other = dtensor.create_mesh([("q", 1)], devices=["CPU:0"])
    scalar = dtensor.copy_to_mesh(tf.constant(1.0), dtensor.Layout.replicated(other, 0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="on one mesh"):
        spread() + scalar


def test_values_are_made_on_a_mesh():
    zeros = dtensor.call_with_layout(tf.zeros, ROWS, shape=(4, 2))
    assert dtensor.fetch_layout(zeros) == ROWS
    with dtensor.default_mesh(MESH):
        assert dtensor.get_default_mesh() == MESH
        assert dtensor.fetch_layout(tf.zeros([2])).sharding_specs == [UNSHARDED]
    assert dtensor.get_default_mesh() is None


def test_variables_are_trained_and_saved(tmp_path):
    variable = dtensor.DVariable(spread())
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(variable * variable)
    gradient = tape.gradient(loss, variable)
    assert dtensor.fetch_layout(gradient) == variable.layout == ROWS
    checkpoint = dtensor.DTensorCheckpoint(MESH, v=variable)
    path = checkpoint.save(str(tmp_path / "c"))
    variable.assign_sub(gradient)
    checkpoint.restore(path)
    np.testing.assert_array_equal(dtensor.relayout(variable, WHOLE).numpy(), VALUE)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Neither layout nor DTensor"):
        dtensor.DVariable(VALUE)
    names = {"a": spread()}
    dtensor.name_based_save(MESH, str(tmp_path / "n"), names)
    read = dtensor.name_based_restore(MESH, str(tmp_path / "n"), names)
    assert dtensor.fetch_layout(read["a"]) == ROWS
    with pytest.raises(ValueError, match="must be a DTensor"):
        dtensor.name_based_restore(MESH, str(tmp_path / "n"), {"a": VALUE})


def test_batches_are_spread():
    rows = dtensor.Layout(["x"], MESH)
    make = dtensor.DTensorDataset
    arguments = dict(mesh=MESH, layouts=rows, global_batch_size=4, batch_dim="x")
    first, second = make(tf.data.Dataset.range(9), **arguments)
    assert dtensor.fetch_layout(first) == rows
    assert [part.numpy().tolist() for part in dtensor.unpack(second)] == [[4, 5]] * 2 + [[6, 7]] * 2
    with pytest.raises(ValueError, match="drop_remainder=True"):
        make(tf.data.Dataset.range(9).batch(4), dataset_already_batched=True, **arguments)


def test_clients_are_known():
    assert dtensor.full_job_name() == "localhost/replica:0/task:0"
    assert (dtensor.num_clients(), dtensor.client_id(), dtensor.jobs()) == (1, 0, [])
    assert dtensor.num_global_devices("CPU") == len(dtensor.local_devices("CPU"))
    assert dtensor.preferred_device_type() in ("CPU", "GPU")
    dtensor.barrier(MESH)
    with pytest.raises(ValueError, match="not CPU, GPU, or TPU"):
        dtensor.local_devices("X")
    with pytest.raises(ValueError, match="not initialized"):
        dtensor.shutdown_accelerator_system()


def test_tensors_are_made_in_a_layout():
    layout = dtensor.Layout.replicated(dtensor.create_mesh([("x", 1)], devices=["CPU:0"]), 1)
    ones = tf.ones([4])
    made = [tf.zeros([4], layout=layout), tf.ones([4], layout=layout)]
    made += [tf.fill([4], 2.0, layout=layout), tf.zeros_like(ones, layout=layout)]
    made.append(tf.ones_like(ones, layout=layout))
    assert [dtensor.fetch_layout(tensor) for tensor in made] == [layout] * 5
    assert [float(tensor.numpy().sum()) for tensor in made] == [0, 4, 8, 0, 4]


def test_texts_show_the_ends_of_each_shard_as_tensorflow_does():
    mesh = dtensor.create_mesh([("x", 2)], devices=["CPU:0", "CPU:1"])
    sharded = dtensor.pack(
        [tf.constant([0.5, 1e-7]), tf.constant([3.0, 4.0])], dtensor.Layout(["x"], mesh)
    )
    assert str(sharded).startswith('tf.Tensor({"CPU:0": [0.5 1e-07], "CPU:1": [3 4]}, layout=')
    assert 'dtype=float32, value={"CPU:0": [0.5 1e-07], "CPU:1": [3 4]}, layout=' in repr(sharded)
    whole = dtensor.copy_to_mesh(tf.range(30), dtensor.Layout([dtensor.UNSHARDED], mesh))
    assert str(whole).startswith("tf.Tensor([0 1 2 ... 27 28 29], layout=")
