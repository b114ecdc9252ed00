"""Memory of the emulated GPU shared with other libraries."""

import ctypes
import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.eager.placed import dlpack
from tests.devices.gpu.emulated import CPU, GPU, GPU_DEVICE, copies

pytestmark = [
    pytest.mark.usefixtures("new_objects_only"),
    pytest.mark.skipif(GPU_DEVICE != "GPU_emulated", reason="looks at the emulated GPU's memory"),
]
to_dlpack, from_dlpack = tf.experimental.dlpack.to_dlpack, tf.experimental.dlpack.from_dlpack


def record(capsule):
    """The C structure of a capsule."""
    return dlpack.Record.from_address(dlpack._pointer(capsule, b"dltensor"))


def seen(address, count):
    """Floats at an address of the emulated GPU, which is one of this process."""
    return list((ctypes.c_float * count).from_address(address))


def test_a_capsule_has_the_memory_of_the_gpu(gpu):
    x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) + 1.0
    capsule = to_dlpack(x)
    found = record(capsule)
    assert (found.device_type, found.device_id) == (2, 0) == x.__dlpack_device__()
    assert (found.code, found.bits, found.lanes, found.byte_offset) == (2, 32, 1, 0)
    assert found.shape[: found.ndim] == [2, 3] and found.strides[: found.ndim] == [3, 1]
    assert found.data == x.held.memory.address and copies(gpu)[1] == 0
    assert seen(found.data, 6) == [2, 3, 4, 5, 6, 7]


def settle():
    """Lets the GPU take back what nobody holds."""
    gc.collect()
    gpu = DEVICE.gpu
    with gpu.lock:
        gpu.activate()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "bool", "float16"])
def test_there_and_back_without_a_copy(gpu, dtype):
    x = tf.cast(tf.constant([[1.0, 0.0], [2.0, 1.0]]), dtype)
    back = from_dlpack(x)
    assert (back.device, back.dtype, back.shape) == (GPU, x.dtype, x.shape)
    assert back.held.memory.address == x.held.memory.address and copies(gpu)[1] == 0
    np.testing.assert_array_equal(back.numpy(), x.numpy())
    np.testing.assert_array_equal(tf.cast(back, tf.float32) + 1.0, tf.cast(x, tf.float32) + 1.0)


def test_memory_is_kept_until_the_reader_lets_go(gpu):
    x = tf.zeros([1 << 16]) + 1.0
    use = DEVICE.gpu.use
    settle()
    before = use.current
    capsule = to_dlpack(x)
    taken = record(capsule)
    dlpack._rename(capsule, b"used_dltensor")  # as readers do
    del x, capsule
    settle()
    assert use.current == before and seen(taken.data, 1) == [1]
    gpu.clear()
    dlpack.Deleter(taken.deleter)(ctypes.addressof(taken))
    settle()
    assert use.current == before - (1 << 18)
    assert gpu["cuCtxSynchronize"] == 1  # the reader's own work may not have been done


def test_a_capsule_that_nobody_takes_lets_go(gpu):
    capsule = to_dlpack(tf.zeros([1 << 16]) + 1.0)
    settle()
    before = DEVICE.gpu.use.current
    del capsule
    settle()
    assert DEVICE.gpu.use.current == before - (1 << 18)


def test_memory_of_others_is_kept_as_long_as_it_is_used(gpu):
    x = tf.zeros([1 << 16]) + 3.0
    address = x.held.memory.address
    y = from_dlpack(to_dlpack(x))
    del x
    gc.collect()
    z = y * 2.0
    assert y.held.memory.address == address and float(z[5]) == 6
    kept = len(DEVICE.gpu.given)
    del y
    settle()
    settle()  # it was told just now
    assert len(DEVICE.gpu.given) == kept - 1


def test_what_cannot_be_taken_is_refused(gpu):
    x = tf.zeros([2, 3]) + 1.0
    capsule = to_dlpack(x)
    strides = record(capsule).strides
    strides[0], strides[1] = 1, 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid strides array"):
        from_dlpack(capsule)
    strides[0], strides[1] = 3, 1
    record(capsule).device_id = 5
    with pytest.raises(tf.errors.InvalidArgumentError, match="GPU 5 is not used"):
        from_dlpack(capsule)
    record(capsule).device_id = 0
    from_dlpack(capsule)
    with pytest.raises(tf.errors.InvalidArgumentError, match="consumed before"):
        from_dlpack(capsule)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a CUDA stream"):
        x.__dlpack__(stream=0)


def test_readers_streams_wait_for_the_gpu(gpu):
    x = tf.zeros([2]) + 1.0
    before = gpu["cuStreamSynchronize"]
    x.__dlpack__(stream=1)
    assert gpu["cuStreamWaitEvent"] == 1 and gpu["cuStreamSynchronize"] == before
    x.__dlpack__(stream=-1)
    assert gpu["cuStreamSynchronize"] == before + 1


def test_the_host_gets_a_copy_if_it_asks(gpu):
    x = tf.zeros([2]) + 1.0
    np.testing.assert_array_equal(np.from_dlpack(x.cpu()), [1, 1])
    with pytest.raises(
        (RuntimeError, BufferError), match="Unsupported device"
    ):  # NumPy says so while it drops the capsule
        np.from_dlpack(x)
    capsule = x.__dlpack__(dl_device=(1, 0))
    assert record(capsule).device_type == 1
    back = from_dlpack(np.arange(3.0))
    assert back.device == CPU and float(back[2]) == 2


def test_the_cuda_array_interface(gpu):
    x = tf.constant([[1.0, 2.0]]) + 1.0
    found = x.__cuda_array_interface__
    assert (found["shape"], found["typestr"], found["version"]) == ((1, 2), "<f4", 3)
    assert found["strides"] is None and found["stream"] == DEVICE.gpu.stream
    assert seen(found["data"][0], 2) == [2, 3]
    assert not hasattr(tf.cast(x, tf.bfloat16), "__cuda_array_interface__")
    with tf.device("/CPU:0"):
        assert not hasattr(tf.constant(1.0), "__cuda_array_interface__")
