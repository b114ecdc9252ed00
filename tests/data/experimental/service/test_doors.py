"""What a service's servers are given that is wrong."""

import pytest

import penstock as tf
from penstock._src.data.experimental.service import journal, messages
from penstock._src.util.files.records import frame
from penstock._src.util.process.ports import free_ports
from tests.harness.tasks import needs_grpc

service = tf.data.experimental.service


def dispatcher(**arguments):
    return service.DispatchServer(service.DispatcherConfig(**arguments))


@pytest.mark.parametrize(
    ("config", "arguments", "error"),
    [
        ("dispatcher", {"port": -1}, tf.errors.InvalidArgumentError),
        ("dispatcher", {"port": 70000}, tf.errors.InvalidArgumentError),
        ("dispatcher", {"port": "5050"}, TypeError),
        ("dispatcher", {"worker_addresses": "localhost:1"}, TypeError),
        ("dispatcher", {"fault_tolerant_mode": True}, ValueError),
        ("dispatcher", {"protocol": "x"}, tf.errors.NotFoundError),
        ("worker", {"dispatcher_address": "localhost:1", "protocol": "x"}, tf.errors.NotFoundError),
        ("worker", {"dispatcher_address": None}, ValueError),
        ("worker", {"dispatcher_address": ""}, ValueError),
        (
            "worker",
            {"dispatcher_address": "localhost:1", "port": -3},
            tf.errors.InvalidArgumentError,
        ),
    ],
)
def test_wrong_configurations_are_refused(config, arguments, error):
    with pytest.raises(error):
        if config == "dispatcher":
            dispatcher(**arguments)
        else:
            service.WorkerServer(service.WorkerConfig(**arguments))


def test_folders_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", "/proc/nowhere"):
        with pytest.raises(tf.errors.OpError, match=str(folder)):
            dispatcher(work_dir=str(folder), fault_tolerant_mode=True)


@pytest.mark.parametrize(
    ("change", "version"),
    [
        (messages.DispatcherChange(version=7), 7),
        (messages.DispatcherChange(dataset=messages.RegisterRequest(dataset_id="1000")), 0),
    ],
)
def test_journals_of_other_versions_are_refused_and_left_alone(tmp_path, change, version):
    path = tmp_path / journal.FOLDER / journal.NAME
    path.parent.mkdir()
    path.write_bytes(frame(change.SerializeToString()))
    before = path.read_bytes()
    with pytest.raises(tf.errors.FailedPreconditionError, match=f"is of version {version}"):
        dispatcher(work_dir=str(tmp_path), fault_tolerant_mode=True)
    assert path.read_bytes() == before


@needs_grpc
def test_who_does_not_get_the_port_leaves_the_journal_alone(tmp_path):
    (port,) = free_ports(1)
    config = {"port": port, "work_dir": str(tmp_path), "fault_tolerant_mode": True}
    first = dispatcher(**config)
    name = service.register_dataset(first.target, tf.data.Dataset.range(3))
    with pytest.raises(tf.errors.UnknownError, match=f":{port}"):
        dispatcher(**config)
    with pytest.raises(tf.errors.UnknownError, match=f":{port}"):
        service.WorkerServer(service.WorkerConfig(first.target, port=port))
    other = service.register_dataset(first.target, tf.data.Dataset.range(4))
    first.stop()
    again = dispatcher(**config)
    worker = service.WorkerServer(service.WorkerConfig(again.target))
    for each, count in ((name, 3), (other, 4)):
        read = service.from_dataset_id("distributed_epoch", again.target, each)
        assert sorted(map(int, read)) == list(range(count))
    worker.stop()
    again.stop()


@needs_grpc
def test_a_worker_of_no_dispatcher_is_refused():
    (port,) = free_ports(1)
    with pytest.raises(tf.errors.UnavailableError, match=f"localhost:{port}"):
        service.WorkerServer(service.WorkerConfig(f"localhost:{port}"))
