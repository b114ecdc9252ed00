"""Training in several processes: as in one process with the same global batch, and as TensorFlow's."""

import functools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from tests.harness.processes import ROOT, launched, lean, needs_mpi, of_ranks
from tests.harness.tasks import started

pytestmark = needs_mpi
HERE = Path(__file__).parent
TENSORFLOW = json.loads((HERE / "tensorflow.json").read_text())


@functools.cache
def trained(workers, *parts):
    """What each rank prints: the parts of training.py."""
    script = [str(HERE / "training.py"), *parts]
    start = ["run"] if workers == 1 else ["launch", "-n", str(workers)]
    command = [sys.executable, "-m", "penstock", *start, *script]
    done = subprocess.run(
        command, cwd=ROOT, env=lean(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    if workers == 1:
        return [json.loads(done.stdout)]
    return [json.loads(lines[-1]) for _, lines in sorted(of_ranks(done).items())]


def assert_close(made, expected):
    """Holds nested results against each other: float32, after some ten steps."""
    if isinstance(expected, dict):
        assert made.keys() == expected.keys()
        for key, value in expected.items():
            assert_close(made[key], value)
    else:
        for one, other in zip(leaves(made), leaves(expected), strict=True):
            assert math.isclose(one, other, rel_tol=2e-5, abs_tol=2e-6), (made, expected)


def leaves(value):
    return [x for part in value for x in leaves(part)] if isinstance(value, list) else [value]


def test_two_workers_train_as_tensorflows():
    first, second = trained(2)
    assert_close(first["custom loop"], TENSORFLOW["custom loop"])
    assert_close(first["collected"], TENSORFLOW["collected"])
    assert first["custom loop"] == second["custom loop"] and first["keras"] == second["keras"]
    assert second["collected"].pop("chief") is False and first["collected"].pop("chief") is True
    assert first["collected"] == second["collected"]


def test_workers_that_were_started_one_by_one_train_as_tensorflows(tmp_path):
    pytest.importorskip("grpc")
    program = (HERE / "training.py").read_text()
    made = []
    for worker in started(program, tmp_path, 2, "custom loop", "collected"):
        output, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
        made.append(json.loads(output.splitlines()[-1]))
    assert made[0]["custom loop"] == made[1]["custom loop"]
    assert_close(made[0]["custom loop"], TENSORFLOW["custom loop"])
    assert_close(made[0]["collected"], TENSORFLOW["collected"])


def test_any_number_of_workers_trains_as_one():
    (alone,) = trained(1)
    assert_close(trained(2)[0]["keras"], alone["keras"])
    for many in (trained(2), trained(4, "custom loop")):
        (mean,) = {rank["custom loop"]["mean of ranks"] for rank in many}
        assert mean == (len(many) - 1) / 2
        for rank in many:
            assert_close(rank["custom loop"] | {"mean of ranks": 0.0}, alone["custom loop"])


DATA = """
    import json, sys
    import numpy as np
    import penstock as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    policies = tf.data.experimental.AutoShardPolicy

    def taken(dataset, policy=None):
        if policy is not None:
            options = tf.data.Options()
            options.experimental_distribute.auto_shard_policy = policy
            dataset = dataset.with_options(options)
        return [x.numpy().tolist() for x in strategy.experimental_distribute_dataset(dataset)]

    def in_function(dataset):
        @tf.function
        def total(iterator):
            return tf.reduce_sum(next(iterator)), tf.reduce_sum(next(iterator))
        iterator = iter(strategy.experimental_distribute_dataset(dataset))
        return [int(x) for x in total(iterator)]

    files = tf.data.TextLineDataset(sys.argv[1:]).map(lambda line: tf.strings.to_number(line, tf.int32))

    def uneven(context):
        return tf.data.Dataset.range(3 + 4 * context.input_pipeline_id).batch(
            context.get_per_replica_batch_size(4))

    print(json.dumps({
        "data": taken(tf.data.Dataset.range(11).batch(4), policies.DATA),
        "auto": taken(tf.data.Dataset.range(8).batch(4)),
        "off": taken(tf.data.Dataset.range(4).batch(4), policies.OFF),
        "file": taken(files.batch(4), policies.FILE),
        "function": [x.numpy().tolist() for x in strategy.distribute_datasets_from_function(uneven)],
        "compiled": in_function(tf.data.Dataset.range(8).batch(4)),
    }))
"""


def test_each_worker_gets_its_part_and_all_step_together(tmp_path):
    for name, lines in (("a", "0\n1\n2\n3\n4\n"), ("b", "10\n11\n")):
        (tmp_path / name).write_text(lines)
    names = [str(tmp_path / name) for name in "ab"]
    first, second = (
        json.loads(lines[-1])
        for _, lines in sorted(of_ranks(launched(DATA, tmp_path, 2, arguments=names)).items())
    )
    assert first == {
        "data": [[0, 1], [4, 5], [8, 9]],
        "auto": [[0, 1], [4, 5]],
        "off": [[0, 1], [2, 3]],
        "file": [[0, 1], [2, 3], [4]],
        "function": [[0, 1], [2], [], []],
        "compiled": [1, 9],
    }
    assert second == {
        "data": [[2, 3], [6, 7], [10]],
        "auto": [[2, 3], [6, 7]],
        "off": [[0, 1], [2, 3]],
        "file": [[10, 11], [], []],
        "function": [[0, 1], [2, 3], [4, 5], [6]],
        "compiled": [5, 13],
    }


CHECKPOINTS = """
    import sys
    import penstock as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    rank, (folder,) = strategy.cluster_resolver.task_id, sys.argv[1:]
    with strategy.scope():
        value = tf.Variable([1.0, 2.0])
    value.assign([3.0, 4.0])
    # Every worker writes, as a value may be a sum over all; but one in the folder that is kept.
    tf.train.Checkpoint(value=value).save(f"{folder}/{rank}/model")
    strategy.reduce("SUM", tf.constant(1.0), axis=None)  # all have written
    value.assign([0.0, 0.0])
    tf.train.Checkpoint(value=value).restore(f"{folder}/0/model-1").assert_consumed()
    print(value.numpy().tolist(), strategy.extended.should_checkpoint)
"""


def test_checkpoints(tmp_path):
    done = launched(CHECKPOINTS, tmp_path, 2, arguments=[str(tmp_path)])
    assert of_ranks(done) == {0: ["[3.0, 4.0] True"], 1: ["[3.0, 4.0] False"]}


def test_workers_that_were_not_started_together(monkeypatch):
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": ["a:1", "b:2"]}), task_type="worker", task_id=0
    )
    with pytest.raises(
        tf.errors.UnavailableError, match="cluster of 2 workers.*penstock launch -n 2"
    ):
        tf.distribute.MultiWorkerMirroredStrategy(resolver)


def test_a_gradient_passes_through_the_sum_over_all(tmp_path):
    program = """
        import penstock as tf
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        rank = strategy.cluster_resolver.task_id
        def replica(x):
            context = tf.distribute.get_replica_context()
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = context.all_reduce("SUM", x)
                rows = context.all_gather(x * x, axis=0)
                y = tf.reduce_sum(total * (rank + 1.0)) + tf.reduce_sum(rows * [1.0, 10.0])
            return tape.gradient(y, x)
        x = tf.constant([2.0 + rank])
        print(strategy.run(replica, (x,)).numpy(), strategy.run(tf.function(replica), (x,)).numpy())
    """
    # d total: 1 + 2; d rows: 2 x (own weight, summed over both ranks)
    expected = {0: 3 + 2 * 2 * 2 * 1, 1: 3 + 2 * 3 * 2 * 10}
    for rank, lines in of_ranks(launched(program, tmp_path, 2)).items():
        assert lines == [f"{np.float32([expected[rank]])} {np.float32([expected[rank]])}"]


def test_keras_takes_distributed_datasets_embeddings_and_synchronized_statistics(tmp_path):
    program = """
        import keras, numpy as np, tensorflow as tf
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        x = np.random.default_rng(2).integers(0, 20, [16, 3])
        keras.utils.set_random_seed(1)
        with strategy.scope():
            model = keras.Sequential([
                keras.Input([3], dtype="int32"),
                keras.layers.Embedding(20, 4),
                keras.layers.Flatten(),
                keras.layers.BatchNormalization(synchronized=True),
                keras.layers.Dense(1),
            ])
            model.compile("adam", "mse", metrics=["mae"])
        data = tf.data.Dataset.from_tensor_slices((x, np.float32(x[:, :1]))).batch(8)
        if strategy.num_replicas_in_sync > 1:
            data = strategy.experimental_distribute_dataset(data)
        model.fit(data, epochs=2, verbose=0)
        print(model.predict(x, batch_size=8, verbose=0).shape)
        print([w.round(4).tolist() for w in model.get_weights()])
        print([round(value, 4) for value in model.evaluate(data, verbose=0)])
    """
    many = of_ranks(launched(program, tmp_path, 2))
    (alone,) = of_ranks(launched(program, tmp_path, 1)).values()
    assert many == {0: alone, 1: alone}
