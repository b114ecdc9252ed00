"""Collectives of several GPUs by NCCL: what is asked of it, by what stands for it; and the library itself where it is installed."""

import threading
import time
from multiprocessing.connection import Listener

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.config import devices as config
from penstock._src.devices.gpu.cuda.driver.calls import Driver
from penstock._src.devices.gpu.cuda.nccl import communicators
from penstock._src.devices.gpu.cuda.nccl.calls import (
    OPERATIONS,
    REMOTE,
    TYPES,
    Nccl,
    find_library,
    opened,
)
from penstock._src.devices.gpu.emulator import KernelFault
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.emulator.nccl.library import EmulatedNccl
from penstock._src.devices.gpu.emulator.nccl.processes import RemoteWorld
from penstock._src.devices.gpu.emulator.nccl.worlds import Asked
from penstock._src.eager.placed import ops
from penstock._src.ops.collective.together import together
from tests.devices.gpu.emulated import GPU, GPU_DEVICE

pytestmark = pytest.mark.skipif(GPU_DEVICE != "GPU_emulated", reason="takes two emulated GPUs")
SECOND = GPU.replace("GPU:0", "GPU:1")


@pytest.fixture
def two(gpu):
    """Two emulated GPUs; what stands for NCCL."""
    ops._KEPT.clear()  # programs of what was the second device before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DEVICE.gpu.driver.library, "devices", 2)
        DEVICE.gpus.divide([(0, None), (1, None)])
        DEVICE.gpus.nccl.library.calls.clear()
        yield DEVICE.gpus.nccl.library
        communicators._GROUPS.clear()
        ops._KEPT.clear()  # programs of the second GPU
        DEVICE.gpu.watched.clear()
    config.reset()  # to the one GPU that is left


def step_of(strategy, v, kind="sum"):
    @tf.function
    def step(values):
        def replica(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(v * v * x)
            gradient = tape.gradient(loss, v)
            v.assign_sub(0.1 * tf.distribute.get_replica_context().all_reduce(kind, gradient))
            return loss

        return strategy.reduce("SUM", strategy.run(replica, args=(values,)), axis=None)

    return step


def values_of(strategy):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(1.0 + context.replica_id_in_sync_group)
    )


@pytest.mark.parametrize(("kind", "after"), [("sum", [0.064, 0.128]), ("mean", [0.343, 0.686])])
def test_gradients_of_replicas_are_added_by_nccl(two, gpu, kind, after):
    strategy = tf.distribute.MirroredStrategy()
    assert isinstance(strategy.cross_device_ops, tf.distribute.NcclAllReduce)
    with strategy.scope():
        v = tf.Variable([1.0, 2.0])
    step, values = step_of(strategy, v, kind), values_of(strategy)
    for _ in range(3):
        step(values)
    assert two.calls["ncclAllReduce"] == 6 and two.calls["ncclCommInitAll"] == 1
    for copy, device in zip(v.values, (GPU, SECOND), strict=True):
        assert copy.device == device
        np.testing.assert_allclose(copy, after, rtol=1e-5)
    executable = step.get_concrete_function(values)._function.executable
    assert {p.compiled.program.gpu.number for p in executable.programs()} == {0, 1}


def test_a_model_trains_as_on_one_gpu(two):
    def trained(strategy):
        with strategy.scope():
            tf.keras.utils.set_random_seed(1)
            model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
            model.compile(tf.keras.optimizers.SGD(0.1), "mse", jit_compile=False)
        x = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
        model.fit(x, x[:, :3], batch_size=8, epochs=2, shuffle=False, verbose=0)
        return [w.numpy() for w in model.trainable_variables]

    found = trained(tf.distribute.MirroredStrategy())
    assert two.calls["ncclAllReduce"]
    for a, b in zip(found, trained(tf.distribute.get_strategy()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def arrays_of_both(*values):
    found = []
    for device, value in zip((GPU, SECOND), values, strict=True):
        with tf.device(device):
            found.append(tf.identity(tf.constant(value)) * tf.ones((), tf.float32))
    return found


@pytest.mark.parametrize(
    ("kind", "merge", "final", "wanted"),
    [
        ("Reduce", "Add", "Id", [[4, 6], [4, 6]]),
        ("Reduce", "Max", "Id", [[3, 4], [3, 4]]),
        ("Reduce", "Add", "Div", [[2, 3], [2, 3]]),
        ("ReduceScatter", "Mul", "Id", [[3], [8]]),
        ("Gather", "", "", [[1, 2, 3, 4], [1, 2, 3, 4]]),
    ],
)
def test_collectives_stay_on_their_gpus(two, gpu, kind, merge, final, wanted):
    inputs = arrays_of_both(np.float32([1, 2]), np.float32([3, 4]))
    read = gpu["cuMemcpyDtoHAsync_v2"]
    found = together(
        inputs=inputs, Tout=[tf.float32] * 2, kind=kind, merge_op=merge, final_op=final, sizes=[2, 2], group_key=1
    )  # fmt: skip
    assert gpu["cuMemcpyDtoHAsync_v2"] == read
    assert [x.device for x in found] == [GPU, SECOND]
    np.testing.assert_array_equal([x.numpy() for x in found], wanted)


def test_a_rank_that_is_lost_ends_the_wait_by_an_error(two):
    inputs = arrays_of_both(np.float32([1, 2]), np.float32([3, 4]))
    given = dict(Tout=[tf.float32] * 2, kind="Reduce", merge_op="Add", final_op="Id", sizes=[2, 2], group_key=1)  # fmt: skip
    together(inputs=inputs, **given)
    (group,) = communicators._GROUPS.values()
    two.communicators[group.comms[0]].world.fail(REMOTE)
    with pytest.raises(tf.errors.UnavailableError, match="ncclCommGetAsyncError: ncclRemoteError"):
        (inputs[0] * 5.0).numpy()
    assert two.calls["ncclCommAbort"] == 2
    with pytest.raises(tf.errors.UnavailableError):
        together(inputs=inputs, **given)


def test_without_nccl_gradients_are_added_on_one_gpu(two, monkeypatch):
    monkeypatch.setitem(DEVICE.gpus.__dict__, "nccl", None)
    strategy = tf.distribute.MirroredStrategy()
    assert type(strategy.cross_device_ops) is tf.distribute.ReductionToOneDevice
    with strategy.scope():
        v = tf.Variable([1.0, 2.0])
    step_of(strategy, v)(values_of(strategy))
    assert not two.calls["ncclAllReduce"]
    for copy in v.values:
        np.testing.assert_allclose(copy, [0.4, 0.8], rtol=1e-6)


def test_ranks_of_several_threads_meet_by_a_unique_id():
    library = EmulatedLibrary(devices=2)
    emulated, driver = EmulatedNccl(library), Driver(library)
    nccl, results = Nccl(emulated), {}
    unique_id = nccl.unique_id()
    dtype, op = TYPES["float64"], OPERATIONS["Add"]

    def rank(number):
        comm, stream = nccl.join(2, unique_id, number), driver.stream()
        source, target = driver.allocate(24, stream), driver.allocate(24, stream)
        x = np.full(3, number + 1.0)
        driver.to_device(source, x.ctypes.data, 24, stream)
        nccl.all_reduce(source, target, 3, dtype, op, comm, stream)
        driver.to_host(x.ctypes.data, target, 24, stream)
        driver.wait(stream)
        results[number] = x.tolist()

    threads = [threading.Thread(target=rank, args=(i,)) for i in range(2)]
    [t.start() for t in threads], [t.join(20) for t in threads]
    assert results == {0: [3.0] * 3, 1: [3.0] * 3}


def test_ranks_that_ask_for_different_things_are_told():
    library = EmulatedLibrary(devices=2)
    nccl, driver = Nccl(EmulatedNccl(library)), Driver(library)
    comms, stream = nccl.join_all([0, 1]), driver.stream()
    memory = driver.allocate(64, stream)
    nccl.begin_group()
    nccl.all_reduce(memory, memory, 2, TYPES["int32"], 0, comms[0], stream)
    nccl.all_reduce(memory, memory, 4, TYPES["int32"], 0, comms[1], stream)
    with pytest.raises(KernelFault, match="rank 1 asks for"):
        nccl.end_group()


def test_one_gpu_cannot_be_two_ranks():
    nccl = Nccl(EmulatedNccl(EmulatedLibrary(devices=2)))
    with pytest.raises(tf.errors.InternalError, match="ncclCommInitAll: ncclInvalidUsage"):
        nccl.join_all([0, 0])


def test_an_older_library_is_refused():
    library = EmulatedNccl(EmulatedLibrary())
    library.ncclGetVersion = lambda version: setattr(version._obj, "value", 2708) or 0
    with pytest.raises(tf.errors.UnimplementedError, match="NCCL 2.10 or newer"):
        opened(library)


def not_blocking(nccl, unique_id, rank, size=2):
    comm = nccl.begin_join(size, unique_id, rank)
    assert not nccl.is_settled(comm) or rank == size - 1
    return comm


def settled(nccl, *comms):
    end = time.monotonic() + 20
    while not all([nccl.is_settled(comm) for comm in comms]):
        assert time.monotonic() < end
        time.sleep(1e-3)


@pytest.fixture
def ranks():
    """The driver, libnccl, and the communicators and streams of two ranks whose calls do not block."""
    library = EmulatedLibrary(devices=2)
    nccl, driver = Nccl(EmulatedNccl(library)), Driver(library)
    unique_id = nccl.unique_id()
    comms = [not_blocking(nccl, unique_id, rank) for rank in range(2)]
    settled(nccl, *comms)
    return driver, nccl, comms, [driver.stream() for _ in comms]


def written(driver, stream, values):
    x = np.float32(values)
    memory = driver.allocate(x.nbytes, stream)
    driver.to_device(memory, x.ctypes.data, x.nbytes, stream)
    return memory


def taken(driver, stream, memory, count):
    x = np.empty(count, np.float32)
    driver.to_host(x.ctypes.data, memory, x.nbytes, stream)
    return x.tolist()


def test_a_stream_waits_for_other_ranks_and_the_host_does_not(ranks):
    driver, nccl, comms, streams = ranks
    memory = [written(driver, streams[r], [r + 1.0, 3.0]) for r in range(2)]
    for rank in (0, 1):
        nccl.broadcast(memory[rank], memory[rank], 2, TYPES["float32"], 1, comms[rank], streams[rank])  # fmt: skip
        settled(nccl, comms[rank])
        if rank == 0:
            assert not driver.is_done(streams[0])
    end = time.monotonic() + 20
    while not all(map(driver.is_done, streams)):
        assert time.monotonic() < end
    assert [taken(driver, streams[r], memory[r], 2) for r in range(2)] == [[2.0, 3.0]] * 2


def test_graphs_have_the_exchanges_of_streams_that_join_and_repeat_them(ranks):
    driver, nccl, comms, streams = ranks
    beside, graphs, memory = [driver.stream() for _ in comms], [], []
    for rank in range(2):
        main, other, event = streams[rank], beside[rank], driver.event()
        memory.append(written(driver, main, [rank + 1.0]))
        driver.begin_capture(main)
        driver.record(event, main)
        driver.wait_in_stream(other, event)
        nccl.all_reduce(memory[rank], memory[rank], 1, TYPES["float32"], 0, comms[rank], other)
        settled(nccl, comms[rank])
        driver.record(event, other)
        driver.wait_in_stream(main, event)
        graphs.append(driver.instantiate(driver.end_capture(main)))
    for total in (3.0, 6.0, 12.0):
        for rank in range(2):
            driver.launch_graph(graphs[rank], streams[rank])
        for rank in range(2):
            driver.wait(streams[rank])
            assert taken(driver, streams[rank], memory[rank], 1) == [total]


def test_a_graph_waits_for_the_streams_that_it_has_let_begin(ranks):
    driver, _, _, (main, other) = ranks
    event, memory = driver.event(), written(driver, main, [1.0])
    for ends in (driver.end_capture, driver.drop_capture):
        driver.begin_capture(main)
        driver.record(event, main)
        driver.wait_in_stream(other, event)
        driver.clear(memory, 4, other)
        if ends == driver.drop_capture:
            ends(main)
        else:
            with pytest.raises(tf.errors.InternalError, match="CAPTURE_UNJOINED"):
                ends(main)
    driver.wait(main), driver.wait(other)  # they are recorded no more
    assert taken(driver, main, memory, 1) == [1.0]


def test_what_does_not_block_has_to_be_waited_for(ranks):
    driver, nccl, comms, streams = ranks
    memory = written(driver, streams[0], [1.0])
    ask = memory, memory, 1, TYPES["float32"], 0, comms[0], streams[0]
    nccl.all_reduce(*ask)
    with pytest.raises(tf.errors.InternalError, match="ncclAllReduce: ncclInvalidUsage"):
        nccl.all_reduce(*ask)


def test_a_rank_is_told_that_the_process_of_the_meeting_point_has_ended():
    nccl = Nccl(EmulatedNccl(EmulatedLibrary(devices=1)))
    with Listener(("127.0.0.1", 0), authkey=b"key") as listener:
        unique_id = f"{listener.address[1]} {b'key'.hex()}".encode().ljust(128, b"\0")
        ended = threading.Thread(target=lambda: listener.accept().close())
        ended.start()
        world = RemoteWorld(unique_id.rstrip(b"\0"), 2, 1)
        ended.join(20)
    for number in range(3):  # the first that is sent may still arrive nowhere without an error
        world.give(number, 1, Asked("reduce", 1, TYPES["float32"], 0), np.ones(1, np.float32))
    assert world.failure == REMOTE
    with pytest.raises(tf.errors.UnavailableError, match="ncclCommInitRank: ncclRemoteError"):
        nccl.join(2, unique_id, 1)


@pytest.mark.skipif(find_library() is None, reason="NCCL is not installed")
def test_the_library_answers_as_it_is_called():
    nccl = Nccl(find_library())
    assert nccl.version() >= (2, 10, 0)
    first, second = nccl.unique_id(), nccl.unique_id()
    assert len(first) == 128 and first != second
    nccl.begin_group(), nccl.end_group()
    with pytest.raises(tf.errors.InternalError, match=r"ncclCommInitRankConfig: nccl\w+ \(\d\): "):
        nccl.begin_join(2, first, 2)
    for name in ("ncclBroadcast", "ncclReduceScatter", "ncclAllGather", "ncclCommAbort"):
        assert getattr(nccl.library, name)
    with pytest.raises(tf.errors.InternalError, match=r"ncclCommInitAll: nccl\w+ \(\d\): "):
        nccl.join_all([0, 1000])
