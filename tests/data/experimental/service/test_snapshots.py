"""Snapshots that the workers of a service write together."""

import os
import time

import numpy as np
import pytest

import penstock as tf
from penstock._src.data.experimental.service import journal
from penstock._src.data.experimental.service.snapshots import writing
from tests.harness.data_service import processes, start, start_dispatcher
from tests.harness.tasks import needs_grpc
from tests.harness.waiting import eventually

pytestmark = pytest.mark.timed

service = tf.data.experimental.service
save, load = tf.data.experimental.distributed_save, tf.data.Dataset.load


def slowly(dataset, milliseconds=2):
    """The elements, each after a while."""
    variant = tf.raw_ops.SleepDataset(
        input_dataset=dataset._variant_tensor,
        sleep_microseconds=1000 * milliseconds,
        output_types=[tf.int64],
        output_shapes=[[]],
    )
    return dataset._derived("Slow", variant, dataset.element_spec, dataset)


def numbers_in(dataset):
    return sorted(int(number) for number in dataset.as_numpy_iterator())


def wait_until(holds):
    assert eventually(holds)


@pytest.fixture
def often(monkeypatch):
    """Chunks of some elements."""
    monkeypatch.setattr(writing, "CHUNK_SECONDS", 0.02)
    monkeypatch.setattr(writing, "_SAVING_SHARE", 1.0)


@pytest.fixture
def dispatcher(tmp_path):
    config = service.DispatcherConfig(work_dir=str(tmp_path / "work"), fault_tolerant_mode=True)
    made = service.DispatchServer(config)
    yield made
    made.stop()


@pytest.fixture
def workers(dispatcher):
    made = [worker_of(dispatcher) for _ in range(2)]
    yield made
    for worker in made:
        worker.stop()


def worker_of(dispatcher):
    config = service.WorkerConfig(dispatcher._address, heartbeat_interval_ms=20)
    return service.WorkerServer(config)


@pytest.mark.parametrize("compression", ["AUTO", "GZIP", None])
def test_workers_write_each_element_once(dispatcher, workers, tmp_path, compression):
    path = str(tmp_path / "snapshot")
    data = tf.data.Dataset.range(50).shuffle(10).repeat(2).map(lambda x: 3 * x).prefetch(2)
    save(data, path, dispatcher._address, compression)
    read = load(path, wait=True)
    assert read.element_spec == data.element_spec
    assert numbers_in(read) == sorted([3 * x for x in range(50)] * 2)
    wait_until(lambda: os.path.exists(f"{path}/DONE"))
    counts = [int(name.split("_")[3]) for name in os.listdir(f"{path}/chunks")]
    assert sum(counts) == 100
    whole = load(path, reader_func=lambda chunks: chunks.flat_map(lambda chunk: chunk))
    assert numbers_in(whole) == numbers_in(read)


def test_elements_have_any_structure_and_there_may_be_none(dispatcher, workers, tmp_path):
    rows = {"a": [[1.5, 2], [3, 4]], "b": ["x", "y"], "c": tf.ragged.constant([[1], [2, 3]])}
    data = tf.data.Dataset.from_tensor_slices(rows)
    save(data, str(tmp_path / "rows"), dispatcher._address)
    rows = sorted(str(row) for row in load(str(tmp_path / "rows"), wait=True).as_numpy_iterator())
    assert rows == sorted(str(row) for row in data.as_numpy_iterator())
    save(tf.data.Dataset.range(0), str(tmp_path / "none"), dispatcher._address)
    assert numbers_in(load(str(tmp_path / "none"), wait=True)) == []


def test_it_is_read_while_it_is_written(dispatcher, workers, tmp_path, often):
    path = str(tmp_path / "snapshot")
    save(slowly(tf.data.Dataset.range(300), 20), path, dispatcher._address)
    read = iter(load(path, wait=True))
    first = int(next(read))
    assert not os.path.exists(f"{path}/DONE")
    assert sorted([first, *map(int, read)]) == list(range(300))


def test_other_workers_go_on_where_one_has_ended(dispatcher, workers, tmp_path, often):
    path = str(tmp_path / "snapshot")
    data = tf.data.Dataset.range(200).repeat(2).shuffle(20).prefetch(3)
    save(slowly(data, 10), path, dispatcher._address)
    wait_until(lambda: len(os.listdir(f"{path}/chunks")) > 6)
    workers[0].stop()
    wait_until(lambda: len(os.listdir(f"{path}/chunks")) > 12)
    workers[1].stop()
    time.sleep(0.1)
    assert not os.path.exists(f"{path}/DONE")
    workers.append(worker_of(dispatcher))
    assert numbers_in(load(path, wait=True)) == sorted([*range(200)] * 2)
    assert sorted(os.listdir(f"{path}/streams")) == ["stream_0", "stream_1"]


def test_a_worker_that_was_thought_lost_adds_nothing(dispatcher, tmp_path, often, monkeypatch):
    path = str(tmp_path / "snapshot")
    first = worker_of(dispatcher)
    save(slowly(tf.data.Dataset.range(300)), path, dispatcher._address)
    wait_until(lambda: os.path.exists(f"{path}/chunks") and len(os.listdir(f"{path}/chunks")) > 2)
    monkeypatch.setattr(first, "_announce", lambda **_: None)  # it is cut off, and goes on writing
    dispatcher._workers.clear()
    second = worker_of(dispatcher)
    assert numbers_in(load(path, wait=True)) == list(range(300))
    wait_until(lambda: not first._writers[0].is_running)
    for worker in (first, second):
        worker.stop()


def test_a_dispatcher_that_is_started_again_goes_on(tmp_path, often, monkeypatch):
    monkeypatch.setattr(journal, "LARGE", 3000)  # it is written anew now and then
    path, work = str(tmp_path / "snapshot"), str(tmp_path / "work")
    config = service.DispatcherConfig(work_dir=work, fault_tolerant_mode=True)
    made = service.DispatchServer(config)
    worker = worker_of(made)
    save(slowly(tf.data.Dataset.range(200).repeat(2)), path, made._address)
    for chunks in (4, 9):
        wait_until(lambda chunks=chunks: len(os.listdir(f"{path}/chunks")) > chunks)
        made.stop()
        port = int(made._address.rpartition(":")[2])
        made = service.DispatchServer(config._replace(port=port))
    assert numbers_in(load(path, wait=True)) == sorted([*range(200)] * 2)
    wait_until(lambda: os.path.exists(f"{path}/DONE"))
    worker.stop()
    made.stop()
    again = service.DispatchServer(config)
    with pytest.raises(tf.errors.AlreadyExistsError):
        save(tf.data.Dataset.range(2), path, again._address)
    again.stop()


@needs_grpc
def test_processes_that_are_killed_lose_and_repeat_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_ALLOW", "write_files")
    path, work = str(tmp_path / "snapshot"), str(tmp_path / "work")
    with processes(2, work) as (target, ports, running):
        address = target.rpartition("/")[2]
        save(slowly(tf.data.Dataset.range(400).repeat(2), 4), path, address)
        kinds = {1: ("worker", ports[0]), 2: ("dispatcher", int(address.split(":")[1]))}
        for chunks, (kind, port) in kinds.items():
            wait_until(lambda chunks=chunks: len(os.listdir(f"{path}/chunks")) > 4 * chunks)
            running[port].kill()
            running[port].wait()
            if kind == "dispatcher":
                start_dispatcher(running, port, ports, work)
            else:
                start(running, "worker", port, "", address)
        assert numbers_in(load(path, wait=True)) == sorted([*range(400)] * 2)


def test_an_error_of_the_dataset_ends_it(dispatcher, workers, tmp_path):
    path = str(tmp_path / "snapshot")
    save(tf.data.Dataset.range(4).map(lambda x: 6 // (x - 2)), path, dispatcher._address)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="division by zero"):
        list(load(path, wait=True))
    wait_until(lambda: os.path.exists(f"{path}/ERROR"))
    with pytest.raises(ValueError, match="code: INVALID_ARGUMENT"):
        load(path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data_service_address": 3}, ValueError, "must be a string"),
        ({"data_service_address": ""}, ValueError, "must not be empty"),
        ({"compression": "X"}, ValueError, "Invalid `compression`"),
        ({"path": ""}, tf.errors.InvalidArgumentError, "directory must be nonempty"),
        ({"path": "/proc/nowhere"}, tf.errors.OpError, "/proc/nowhere"),
        ({"path": "here"}, tf.errors.AlreadyExistsError, "here already exists"),
    ],
)
def test_wrong_arguments_are_refused(dispatcher, tmp_path, arguments, error, message):
    (tmp_path / "here").mkdir()
    if arguments.get("path") == "here":
        arguments = {"path": str(tmp_path / "here")}
    given = {"path": str(tmp_path / "s"), "data_service_address": dispatcher._address}
    with pytest.raises(error, match=message):
        save(tf.data.Dataset.range(2), **{**given, **arguments})


def test_it_takes_a_dispatcher_that_keeps_its_state(tmp_path):
    made = service.DispatchServer()
    with pytest.raises(tf.errors.InvalidArgumentError, match="fault tolerant mode"):
        save(tf.data.Dataset.range(2), str(tmp_path / "s"), made._address)
    made.stop()


def test_a_snapshot_of_tensorflow_is_read(tmp_path):
    # What TensorFlow 2.21 wrote of two elements of range(20), not compressed.
    (tmp_path / "chunks").mkdir()
    records = b"".join(tf_record(number) for number in (3, 5))
    (tmp_path / "chunks" / "chunk_0_0_2").write_bytes(records)
    (tmp_path / "snapshot.metadata").write_text(
        'element_spec: "\\212\\002\\004\\022\\000\\030\\t"\n'
    )
    (tmp_path / "dataset_spec.pb").write_bytes(b"\x8a\x02\x04\x12\x00\x18\t")
    (tmp_path / "DONE").write_bytes(b"")
    read = load(str(tmp_path))
    assert read.element_spec == tf.TensorSpec([], tf.int64) and numbers_in(read) == [3, 5]
    for arguments in ({"element_spec": tf.TensorSpec([], tf.int32)}, {"compression": "GZIP"}):
        with pytest.raises(ValueError, match="User specified"):
            load(str(tmp_path), **arguments)


def tf_record(number):
    """A record of a TensorProto, as TensorFlow writes it: the number as bytes."""
    from penstock._src.util.files.records import frame

    return frame(b"\x08\x09\x12\x00\x22\x08" + np.int64(number).tobytes())
