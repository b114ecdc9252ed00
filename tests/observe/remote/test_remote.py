"""Profiles that other processes ask for: the same files as those of a profile of one's own."""

import contextlib
import socket
import sys
import threading
import time

import pytest

import penstock as tf
from penstock._src.cluster.rpc.channel import Channel
from penstock._src.core.errors import InternalError
from penstock._src.observe.profile_files import XSpace
from penstock._src.observe.remote import messages
from penstock._src.util.process.ports import free_ports
from penstock._src.util.run_observers import RUN_OBSERVERS
from tests.harness.waiting import PATIENCE, eventually

pytestmark = pytest.mark.timed

pytest.importorskip("grpc")
profiler = tf.profiler.experimental


@pytest.fixture(scope="module")
def port():
    (number,) = free_ports(1)
    profiler.server.start(number)
    return number


@pytest.fixture
def address(port):
    return f"grpc://localhost:{port}"


@pytest.fixture
def work():
    """A thread that calls a function until the test ends; gives the list of its calls."""
    over, calls = threading.Event(), []

    @tf.function
    def sum_of_products(x):
        return tf.reduce_sum(x @ x)

    def run():
        while not over.is_set():
            sum_of_products(tf.ones([16, 16]))
            calls.append(None)

    sum_of_products(tf.ones([16, 16]))
    thread = threading.Thread(target=run)
    thread.start()
    yield calls
    over.set()
    thread.join()


def names_of_events(path):
    (plane, _) = XSpace.FromString(path.read_bytes()).planes
    return {metadata.name for metadata in plane.event_metadata.values()}


def request_to(port, method, request):
    channel = Channel(f"localhost:{port}", messages.SERVICE, "the server")
    try:
        return channel.call(method, request.SerializeToString())
    finally:
        channel.close()


def test_a_trace_writes_files_named_after_the_address(work, address, port, tmp_path):
    profiler.client.trace(address, str(tmp_path), 200)
    files = sorted(path.name for path in tmp_path.glob("plugins/profile/*/*"))
    assert files == [f"localhost_{port}.trace.json.gz", f"localhost_{port}.xplane.pb"]


def test_a_trace_has_the_events_of_a_local_profile(work, address, tmp_path):
    profiler.client.trace(address, str(tmp_path / "remote"), 1000)
    with profiler.Profile(str(tmp_path / "local")):
        begun = len(work)
        assert eventually(lambda: len(work) > begun + 2)
    remote, local = (
        names_of_events(next((tmp_path / folder).rglob("*.xplane.pb")))
        for folder in ("remote", "local")
    )
    assert remote == local and any("sum_of_products" in name for name in remote)


def test_a_low_level_records_calls_alone(work, address, tmp_path):
    options = profiler.ProfilerOptions(host_tracer_level=1)
    profiler.client.trace(address, str(tmp_path), 200, options=options)
    (path,) = tmp_path.rglob("*.xplane.pb")
    assert all("sum_of_products" in name for name in names_of_events(path))


def test_a_delay_comes_before_the_recording(work, address, tmp_path):
    start = time.monotonic()
    options = profiler.ProfilerOptions(delay_ms=300)
    profiler.client.trace(address, str(tmp_path), 100, options=options)
    assert time.monotonic() - start >= 0.4


def test_the_reply_holds_the_events_where_it_is_asked_to(work, port):
    request = messages.ProfileRequest(duration_ms=100, emit_xspace=True)
    reply = messages.ProfileResponse.FromString(request_to(port, "Profile", request))
    assert not reply.empty_trace and reply.xspace.planes[0].lines


@contextlib.contextmanager
def recorded(work, port, folder):
    """A block in which another process records calls until it is asked to end; files are there afterwards."""
    request = messages.ProfileRequest(
        duration_ms=600_000, session_id="long", repository_root=str(folder), host_name="here:1"
    )
    thread = threading.Thread(target=request_to, args=(port, "Profile", request))
    thread.start()
    assert eventually(lambda: RUN_OBSERVERS)
    begun = len(work)
    assert eventually(lambda: len(work) > begun + 2)
    yield
    request_to(port, "Terminate", messages.TerminateRequest(session_id="long"))
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_terminate_ends_a_session(work, port, tmp_path):
    with recorded(work, port, tmp_path):
        pass
    assert (tmp_path / "long" / "here_1.xplane.pb").exists()


def test_nothing_recorded_is_an_error(address, tmp_path):
    with pytest.raises(
        RuntimeError, match="UNAVAILABLE: No trace event was collected.*nothing ran"
    ):
        profiler.client.trace(address, str(tmp_path), 20, num_tracing_attempts=2)


def test_nobody_at_the_address_is_an_error(tmp_path):
    address = f"grpc://localhost:{free_ports(1)[0]}"
    with pytest.raises(RuntimeError, match="UNAVAILABLE: No trace event was collected"):
        profiler.client.trace(address, str(tmp_path), 20)
    with pytest.raises(RuntimeError, match="UNAVAILABLE: "):
        profiler.client.monitor(address, 20)


@pytest.mark.parametrize("address", ["", "nowhere", "grpc://host:port", "a:1,b:2"])
def test_an_address_that_is_not_one_is_refused(address):
    with pytest.raises(RuntimeError, match="INVALID_ARGUMENT: Could not interpret"):
        profiler.client.monitor(address, 20)


def test_a_trace_lasts(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be greater than zero"):
        profiler.client.trace("grpc://localhost:1", str(tmp_path), 0)


def test_one_recording_at_a_time(work, port, tmp_path):
    request = messages.ProfileRequest(duration_ms=50)
    with profiler.Profile(str(tmp_path)):
        with pytest.raises(InternalError, match="Another profiling session active"):
            request_to(port, "Profile", request)
    request_to(port, "Profile", request)


def test_a_local_stop_leaves_the_recording_of_another_process(work, port, tmp_path):
    with recorded(work, port, tmp_path):
        with pytest.raises(tf.errors.AlreadyExistsError):
            profiler.start(str(tmp_path))
        with pytest.raises(tf.errors.UnavailableError):
            profiler.stop()
    assert list(tmp_path.rglob("*.xplane.pb"))


def test_eager_operations_run_while_recordings_begin_and_end(tmp_path):
    over, failures = threading.Event(), []

    def run():
        try:
            while not over.is_set():
                tf.abs(1.0)
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(2_000):
        profiler.start(str(tmp_path))
        profiler.stop(save=False)
    over.set()
    thread.join()
    sys.setswitchinterval(interval)
    assert not failures


def test_monitor_says_what_took_the_time(work, address):
    short, long = (profiler.client.monitor(address, 100, level) for level in (1, 2))
    assert "Threads that ran: 1\n" in short and "sum_of_products" not in short
    assert "sum_of_products" in long and "Threads busy on average: " in long


def test_a_port_is_taken_once(port):
    profiler.server.start(port)
    with pytest.raises(TypeError, match="port must be an int"):
        profiler.server.start("6009")
    with socket.create_server(("", 0)) as other:
        with pytest.raises(tf.errors.UnknownError, match="Could not start gRPC server"):
            profiler.server.start(other.getsockname()[1])
