"""Several devices: of one emulated GPU, and several GPUs."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.config import devices as config
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.devices.gpu.device import CudaDevice
from penstock._src.devices.gpu.emulator.device import ir_image
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from tests.devices.gpu.emulated import GPU, GPU_DEVICE

pytestmark = pytest.mark.skipif(GPU_DEVICE != "GPU_emulated", reason="divides the emulated GPU")
SECOND = GPU.replace("GPU:0", "GPU:1")


@pytest.fixture
def two(gpu):
    """The emulated GPU as two devices, the second of which may hold a megabyte; the driver's counts."""
    config.reset()
    (physical,) = tf.config.list_physical_devices("GPU")
    parts = [tf.config.LogicalDeviceConfiguration(memory_limit=m) for m in (None, 1)]
    tf.config.set_logical_device_configuration(physical, parts)
    gpu.clear()
    yield gpu
    config.reset()


def test_logical_devices_have_streams_memory_and_limits_of_their_own(two):
    assert [d.name for d in tf.config.list_logical_devices("GPU")] == [
        "/device:GPU:0",
        "/device:GPU:1",
    ]
    with tf.device("/GPU:1"):
        x = tf.constant([1.0, 2.0]) * 2.0
    before = tf.config.experimental.get_memory_usage("GPU:1")
    y = x + 1.0
    assert (x.device, y.device) == (SECOND, GPU)
    assert two["cuMemcpyPeerAsync"] == 1 and two["cuStreamCreate"] >= 1
    np.testing.assert_array_equal(y, [3, 5])
    assert before > 0 and tf.config.experimental.get_memory_usage("GPU:1") == before
    assert [t.held.memory.gpu.number for t in (x, y)] == [1, 0]
    with (
        tf.device("/GPU:1"),
        pytest.raises(tf.errors.ResourceExhaustedError, match="of the limit of"),
    ):
        tf.zeros([1 << 20]) + 1.0


def test_copies_between_devices_are_ordered_by_events(two):
    with tf.device("/GPU:1"):
        x = tf.constant([1.0, 2.0]) * 2.0
    waits = two["cuStreamSynchronize"]
    copy = tf.identity(x)
    assert copy.device == GPU and two["cuEventRecord"] == 2 and two["cuStreamWaitEvent"] == 2
    assert two["cuStreamSynchronize"] <= waits + 1  # loading a kernel
    np.testing.assert_array_equal(copy, [2, 4])


def test_a_function_over_two_devices(two):
    @tf.function
    def both(a):
        with tf.device("/GPU:0"):
            b = tf.reduce_sum(a * 2.0)
        with tf.device("/GPU:1"):
            c = tf.reduce_sum(a * 3.0)
        with tf.device("/GPU:1"):
            return b, c, b + c

    results = both(tf.constant([1.0, 2.0]))
    assert [float(r) for r in results] == [6, 9, 15]
    programs = both.get_concrete_function(tf.TensorSpec([2]))._function.executable.programs()
    gpus = [p.compiled.program.gpu.number for p in programs if not p.form.is_empty]
    assert gpus == [0, 1]


def test_replicas_of_a_strategy_run_on_a_device_each(two):
    strategy = tf.distribute.MirroredStrategy()
    assert strategy.extended.worker_devices == (GPU, SECOND)
    with strategy.scope():
        v = tf.Variable([1.0, 2.0])
    assert [copy.device for copy in v.values] == [GPU, SECOND]

    @tf.function
    def step(values):
        def replica(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(v * v * x)
            gradient = tape.gradient(loss, v)
            context = tf.distribute.get_replica_context()
            v.assign_sub(0.1 * context.all_reduce("sum", gradient))
            return loss

        return strategy.reduce("SUM", strategy.run(replica, args=(values,)), axis=None)

    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(1.0 + context.replica_id_in_sync_group)
    )
    losses = [float(step(values)) for _ in range(3)]
    np.testing.assert_allclose(losses, [15, 2.4, 0.384], rtol=1e-5)
    for copy in v.values:
        np.testing.assert_allclose(copy, [0.064, 0.128], rtol=1e-5)
    executable = step.get_concrete_function(values)._function.executable
    assert {p.compiled.program.gpu.number for p in executable.programs()} == {0, 1}
    assert two["cuMemcpyPeerAsync"] >= 6 and not executable.host_ops


def test_gpus_are_devices():
    device = CudaDevice("two", lambda: EmulatedLibrary(devices=2), ir_image)
    assert device.count == 2
    first, second = device.gpu, device.numbered(1).gpu
    assert (first.physical, second.physical) == (0, 1) and first.stream != second.stream
    x = np.arange(6, dtype=np.float32)
    array = DeviceArray(x.shape, x.dtype, 0, host=x)
    with first.lock:
        first.memory_of(array)
    array.host = None
    with resources.UPDATING, second.lock:
        second.activate()
        there = second.memory_of(array)
    assert there.gpu is second and array.memory.gpu is first
    np.testing.assert_array_equal(there.fetch(x.shape, x.dtype), x)
    assert first.driver.library.calls["cuMemcpyPeerAsync"] == 1
