"""Variables stay on the emulated GPU until somebody reads them."""

import gc
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.residence import HeldVariable
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import GPU_DEVICE

pytestmark = pytest.mark.skipif(
    GPU_DEVICE != "GPU_emulated", reason="counts calls of the emulated driver"
)


@pytest.fixture
def calls():
    """The counts of the driver's calls, from 0 on."""
    counts = DEVICE.gpu.driver.library.calls
    counts.clear()
    return counts


@pytest.fixture
def step():
    """(a function that adds to a variable on the GPU, the variable, its handle)"""
    v = tf.Variable(np.zeros(100, np.float32))
    add = tf.function(lambda x: v.assign_add(tf.fill([100], x)).shape[0])
    with override(device=GPU_DEVICE):
        yield add, v, v.handle._value


def test_steps_copy_no_variables(step, calls):
    add, v, handle = step
    add(tf.constant(1.0))
    before = calls["cuMemcpyDtoHAsync_v2"], calls["cuMemcpyHtoDAsync_v2"]
    for _ in range(3):
        add(tf.constant(1.0))
    assert calls["cuMemcpyDtoHAsync_v2"] == before[0]
    assert calls["cuMemcpyHtoDAsync_v2"] == before[1] + 3  # the numbers that are added
    assert type(handle) is HeldVariable
    np.testing.assert_array_equal(v.numpy(), np.full(100, 4))


def test_a_variable_is_copied_once_and_then_equal_in_both_places(step, calls):
    add, v, handle = step
    add(tf.constant(1.0))
    before = calls["cuMemcpyDtoHAsync_v2"]
    first, second = v.numpy(), v.numpy()
    assert calls["cuMemcpyDtoHAsync_v2"] == before + 1 and type(handle) is VariableHandle
    up = calls["cuMemcpyHtoDAsync_v2"]
    add(tf.constant(1.0))
    assert calls["cuMemcpyHtoDAsync_v2"] == up + 1  # not the variable
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(v.numpy(), np.full(100, 2))


def test_what_was_read_stays_as_it_was(step):
    add, v, _ = step
    add(tf.constant(1.0))
    snapshot = v.read_value()
    add(tf.constant(1.0))
    np.testing.assert_array_equal(snapshot, np.full(100, 1))
    np.testing.assert_array_equal(v.read_value(), np.full(100, 2))


def test_assignments_of_the_host_replace_the_value_on_the_gpu(step):
    add, v, handle = step
    add(tf.constant(1.0))
    v.assign(np.full(100, 10, np.float32))
    assert type(handle) is VariableHandle
    add(tf.constant(1.0))
    np.testing.assert_array_equal(v.numpy(), np.full(100, 11))


def test_programs_of_the_cpu_take_over_and_give_back(step):
    add, v, _ = step
    double = tf.function(lambda: v.assign(v * 2.0).shape[0])
    for expected in (2, 6, 14):
        add(tf.constant(1.0))
        with override(device="CPU"):
            double()
            assert float(v[0]) == expected


def test_two_threads_read_while_a_third_trains(step):
    add, v, _ = step
    seen, failures = [], []

    def read():
        try:
            for _ in range(20):
                value = v.numpy()
                seen.append(float(value[0]))
                np.testing.assert_array_equal(value, np.full(100, value[0]))
        except BaseException as error:  # told by the test
            failures.append(error)
            raise

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        add(tf.constant(1.0))
    for thread in threads:
        thread.join()
    assert not failures
    assert float(v[0]) == 20 and max(seen) <= 20


def test_a_checkpoint_has_what_the_gpu_has(step, tmp_path):
    add, v, _ = step
    add(tf.constant(3.0))
    path = tf.train.Checkpoint(v=v).save(str(tmp_path / "saved"))
    add(tf.constant(1.0))
    tf.train.Checkpoint(v=v).restore(path)
    add(tf.constant(1.0))
    np.testing.assert_array_equal(v.numpy(), np.full(100, 4))


def memory_of_a_variable_while_it_trains():
    v = tf.Variable(np.zeros(1 << 16, np.float32))
    add = tf.function(lambda x: v.assign_add(tf.fill([1 << 16], x)).shape[0])
    add(tf.constant(1.0))
    return DEVICE.gpu.use.current


def test_a_variable_of_the_gpu_is_freed_with_its_handle(step):
    before, half = DEVICE.gpu.use.current, 1 << 17  # small arrays of other tests come and go
    assert memory_of_a_variable_while_it_trains() >= before + half
    gc.collect()
    tf.function(lambda x: x + 1.0)(tf.constant(1.0))
    assert DEVICE.gpu.use.current < before + half
