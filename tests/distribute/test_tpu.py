"""tf.tpu: descriptions of systems and tables, against TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

experimental = tf.tpu.experimental
embedding = experimental.embedding


def topology(x, y):
    places = [[i, j, 0, core] for j in range(y) for i in range(x) for core in range(2)]
    coordinates = np.array(places).reshape(2, -1, 4)
    return experimental.Topology(mesh_shape=[x, y, 1, 2], device_coordinates=coordinates)


def test_topologies_name_devices():
    grid = topology(2, 2)
    assert (grid.num_tasks, grid.num_tpus_per_task, grid.mesh_rank) == (2, 4, 4)
    assert (
        grid.cpu_device_name_at_coordinates([1, 1, 0, 1], job="w") == "/job:w/task:1/device:CPU:0"
    )
    assert grid.tpu_device_name_at_coordinates([1, 1, 0, 1]) == "/task:1/device:TPU:3"
    assert grid.missing_devices.shape == (0, 4)
    again = experimental.Topology(serialized=grid.serialized())
    assert again.device_coordinates.tolist() == grid.device_coordinates.tolist()


def shown(assignment):
    return " ".join(
        "|".join("".join(map(str, core)) for core in replica)
        for replica in assignment.core_assignment.tolist()
    )


@pytest.mark.parametrize(
    ("grid", "shape", "replicas", "expect"),
    [
        ((2, 2), [1, 1, 1, 2], 4, "0000|0001 1000|1001 1100|1101 0100|0101"),
        ((2, 2), [1, 1, 1, 2], 3, "0000|0001 1000|1001 0100|0101"),
        ((2, 2), [2, 2, 1, 1], 2, "0000|0100|1000|1100 0001|0101|1001|1101"),
        ((2, 2), None, 3, "0000 0001 1000"),
        (
            (2, 4),
            [2, 4, 1, 2],
            1,
            "0000|0001|1000|1001|1100|1101|1200|1201|1300|1301|0300|0301|0200|0201|0100|0101",
        ),
        ((4, 2), [2, 1, 1, 2], 4, "0000|0001|1000|1001 2000|2001|3000|3001 2100|2101|3100|3101 0100|0101|1100|1101"),
    ],
)  # fmt: skip
def test_cores_are_assigned(grid, shape, replicas, expect):
    build = experimental.DeviceAssignment.build
    assert shown(build(topology(*grid), shape, num_replicas=replicas)) == expect


def test_too_many_replicas_are_refused():
    with pytest.raises(ValueError, match="only 8 replicas"):
        experimental.DeviceAssignment.build(topology(2, 2), num_replicas=9)
    with pytest.raises(ValueError, match="Please provide a TPU Name"):
        experimental.initialize_tpu_system()


def test_configurations_are_checked():
    with pytest.raises(ValueError, match="vocabulary_size"):
        embedding.TableConfig(0, 4)
    with pytest.raises(ValueError, match="combiner"):
        embedding.TableConfig(8, 4, combiner="x")
    with pytest.raises(ValueError, match="beta_1"):
        embedding.Adam(0.1, beta_1=2)
    with pytest.raises(ValueError, match="gradient clipping cannot be used"):
        embedding.SGD(use_gradient_accumulation=False, clipvalue=0.1)
    assert embedding.Adam(0.1) == embedding.Adam(0.1) != embedding.Adam(0.2)
    assert embedding.SGD(0.1, clipvalue=2.0).clip_gradient_min == -2.0


def test_tables_are_looked_up_on_the_cpu(tmp_path):
    table = embedding.TableConfig(8, 4, name="t")
    features = {
        "whole": embedding.FeatureConfig(table),
        "steps": embedding.FeatureConfig(table, max_sequence_length=2),
    }
    tables = {table: tf.reshape(tf.range(32.0), [8, 4])}
    ids = tf.ragged.constant([[1], [2, 3]])
    inputs = {"whole": ids, "steps": ids}
    found = embedding.serving_embedding_lookup(inputs, None, tables, features)
    assert found["whole"].numpy().tolist() == [[4, 5, 6, 7], [10, 11, 12, 13]]
    assert found["steps"].numpy()[:, :, 0].tolist() == [[4, 0], [8, 12]]
    layer = embedding.TPUEmbeddingForServing(features, embedding.SGD(0.1))
    assert layer(inputs)["whole"].shape == [2, 4]
    tf.train.Checkpoint(e=layer).write(str(tmp_path / "c"))
    with pytest.raises(RuntimeError, match="not created under a TPUStrategy"):
        embedding.TPUEmbedding(features, None).dequeue()
    with pytest.raises(RuntimeError, match="should be created under TPUStrategy"):
        embedding.TPUEmbeddingV2(features)


def test_computations_of_graphs():
    v1_tpu = tf.compat.v1.tpu
    assert v1_tpu.core(1) == "device:TPU_REPLICATED_CORE:1"
    assert float(v1_tpu.outside_compilation(lambda x: x * 2.0, tf.constant(1.0))) == 2
    with tf.Graph().as_default(), v1_tpu.bfloat16_scope():
        narrow = tf.compat.v1.get_variable("a", [2], tf.bfloat16)
        assert narrow.dtype == tf.bfloat16
        assert [v.dtype for v in tf.compat.v1.global_variables()] == [tf.float32]
    optimizer = v1_tpu.CrossShardOptimizer(tf.compat.v1.train.GradientDescentOptimizer(0.1))
    with pytest.raises(tf.errors.UnimplementedError, match="TPUs are not implemented"):
        optimizer.apply_gradients([])
    with pytest.raises(tf.errors.UnimplementedError, match="tpu.rewrite: TPUs"):
        v1_tpu.rewrite(lambda: None)
