"""A dispatcher and workers in processes of their own."""

import random
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.cluster.rpc.channel import Channel
from penstock._src.data.experimental.service import calls, messages
from tests.harness.data_service import processes, start_dispatcher
from tests.harness.tasks import needs_grpc

pytestmark = needs_grpc
service = tf.data.experimental.service


@pytest.fixture(scope="module")
def target():
    with processes(2) as (target, _, _):
        yield target


def elements(dataset):
    return sorted(int(value) for value in dataset.as_numpy_iterator())


@pytest.mark.parametrize(
    ("mode", "times"), [("parallel_epochs", 2), ("distributed_epoch", 1), (3, 1)]
)
def test_other_processes_produce_a_dataset(target, mode, times):
    share = service.distribute(service.ShardingPolicy(mode) if mode == 3 else mode, target)
    data = tf.data.Dataset.range(20).map(lambda x: x * x).filter(lambda x: x % 2 == 0).apply(share)
    assert elements(data) == sorted([x * x for x in range(0, 20, 2)] * times)
    assert elements(data.take(3)) and elements(data) == elements(data)  # epoch after epoch


def test_elements_have_any_structure_and_are_known_by_their_id(target):
    rows = np.arange(12.0).reshape(6, 2)
    data = tf.data.Dataset.from_tensor_slices({"x": rows, "name": np.array([b"a"] * 6)})
    name = service.register_dataset(target, data.repeat(2).batch(4))
    read = service.from_dataset_id("distributed_epoch", target, name)
    assert read.element_spec == data.batch(4).element_spec
    found = [batch["x"] for batch in read]
    assert sorted(np.concatenate(found)[:, 0].tolist()) == sorted([*rows[:, 0]] * 2)


@pytest.mark.parametrize("compression", ["AUTO", "SNAPPY"])
def test_components_of_any_kind_are_sent(target, compression):
    rows = {
        "ragged": tf.ragged.constant([[[1], []], [[2, 3]], []]),
        "sparse": tf.sparse.from_dense([[0, 1], [2, 0], [0, 0]]),
        "text": ["a", "b" * 1000, "c"],
        "number": tf.cast([1.5, 2.5, 3.5], tf.bfloat16),
    }
    data = tf.data.Dataset.from_tensor_slices(rows)
    some = data.map(lambda row: (row, tf.experimental.Optional.from_value(row["text"]), None))
    for given in (data, data.batch(2), some):
        name = service.register_dataset(target, given, compression)
        read = service.from_dataset_id("distributed_epoch", target, name)
        assert read.element_spec == given.element_spec
        assert sorted(map(shown, read)) == sorted(map(shown, given))
    windows = data.map(lambda row: row["number"]).window(2)
    read = windows.apply(service.distribute("parallel_epochs", target, compression=compression))
    numbers = sorted([float(number) for number in window] for window in read)
    assert numbers == [[1.5, 2.5], [1.5, 2.5], [3.5], [3.5]]


def shown(element):
    """What is in an element, optionals opened."""
    if isinstance(element, tuple):
        return repr([element[1].get_value().numpy(), shown(element[0])])
    return repr([(name, element[name]) for name in sorted(element)])


def test_consumers_share_a_job(target):
    def dataset():
        share = service.distribute("distributed_epoch", target, job_name="shared")
        return tf.data.Dataset.range(30).apply(share)

    first, second = iter(dataset()), iter(dataset())
    taken = [int(next(each)) for _ in range(5) for each in (first, second)]
    rest = [int(value) for each in (first, second) for value in each]
    assert sorted(taken + rest) == list(range(30))


def test_what_only_this_process_has_and_files_are_refused(target, tmp_path):
    share = service.distribute("parallel_epochs", target)
    calls_python = tf.data.Dataset.range(2).map(
        lambda x: tf.py_function(lambda y: y, [x], tf.int64)
    )
    with pytest.raises(tf.errors.NotFoundError, match="calls Python"):
        list(calls_python.apply(share))
    (tmp_path / "a").write_text("line")
    with pytest.raises(tf.errors.PermissionDeniedError, match="read_files"):
        list(tf.data.TextLineDataset(str(tmp_path / "a")).apply(share))


def test_a_worker_is_lost_in_mid_epoch():
    with processes(2) as (target, ports, running):
        data = tf.data.Dataset.range(400)
        dynamic = iter(data.apply(service.distribute("distributed_epoch", target)))
        fixed = iter(data.apply(service.distribute(service.ShardingPolicy.DATA, target)))
        seen = [int(next(dynamic)) for _ in range(10)]
        assert {int(next(fixed)) for _ in range(4)} == {0, 1, 2, 3}
        running[ports[0]].kill()
        running[ports[0]].wait()
        seen += [int(value) for value in dynamic]
        # Each element at most once; what the lost worker had taken is all that may be missing.
        assert len(seen) == len(set(seen)) and len(set(range(400)) - set(seen)) <= 2
        with pytest.raises(tf.errors.UnavailableError, match=f"localhost:{ports[0]} is lost"):
            list(fixed)


def test_a_dispatcher_that_is_killed_and_started_again_goes_on(tmp_path):
    with processes(2, str(tmp_path)) as (target, ports, running):
        port = int(target.rpartition(":")[2])
        name = service.register_dataset(target, tf.data.Dataset.range(7))
        data = tf.data.Dataset.range(300).shuffle(30, seed=1).repeat(2)
        dynamic = iter(data.apply(service.distribute("distributed_epoch", target, job_name="j")))
        fixed = iter(data.apply(service.distribute(service.ShardingPolicy.DATA, target)))
        seen = [int(next(dynamic)) for _ in range(40)]
        parts = [int(next(fixed)) for _ in range(4)]
        for _ in range(2):
            running[port].kill()
            running[port].wait()
            again = threading.Timer(0.5, start_dispatcher, (running, port, ports, str(tmp_path)))
            again.start()
            seen += [int(next(dynamic)) for _ in range(200)]
            again.join()
        seen += [int(value) for value in dynamic]
        assert sorted(seen) == sorted([*range(300)] * 2)
        assert sorted([*parts, *map(int, fixed)]) == sorted([*range(300)] * 2)
        assert elements(service.from_dataset_id("distributed_epoch", target, name)) == [*range(7)]
        assert service.register_dataset(target, tf.data.Dataset.range(3)) != name


def test_wrong_messages_are_refused(target):
    graph = messages.RegisterRequest(graph=b"abc", dataset_id="wrong", spec=b"[", local="no")
    sent = [
        ("Register", graph.SerializeToString()),
        ("Job", messages.JobRequest(dataset_id="wrong", policy=1).SerializeToString()),
        ("Tasks", messages.TasksRequest(job="#1", lost=["x"]).SerializeToString()),
        ("Split", messages.SplitRequest(job="#1", worker="w", number=3).SerializeToString()),
        ("Task", messages.TaskRequest(job="#1", worker="w").SerializeToString()),
    ]
    channel = Channel(calls.address_of(target), messages.DISPATCHER, "dispatcher")
    draw = random.Random(3)
    answers = {"reply": 0, "error": 0}
    for _ in range(200):
        method, data = draw.choice(sent)
        changed = bytearray(data)
        for _ in range(draw.randint(0, 3)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        try:
            channel.call(method, bytes(changed), 20.0)
            answers["reply"] += 1
        except tf.errors.OpError as error:
            assert not isinstance(error, tf.errors.UnavailableError)
            answers["error"] += 1
    assert all(answers.values())
    with pytest.raises(tf.errors.NotFoundError):
        list(
            service.from_dataset_id("parallel_epochs", target, "wrong", tf.TensorSpec([], tf.int64))
        )
    assert elements(tf.data.Dataset.range(4).apply(service.distribute("distributed_epoch", target)))
