"""Datasets and arguments of the host that feed the emulated GPU."""

import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes
from penstock._src.devices.gpu.device import CudaDevice
from penstock._src.devices.gpu.emulator.device import DEVICE, ir_image
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from tests.devices.gpu.emulated import CPU, GPU, GPU_DEVICE

pytestmark = [
    pytest.mark.skipif(GPU_DEVICE != "GPU_emulated", reason="counts the emulated driver's calls"),
    pytest.mark.usefixtures("new_objects_only"),
]


def batches(count=8):
    """Batches of two images with labels and names."""
    x = np.arange(count * 2 * 3, dtype=np.float32).reshape(-1, 3)
    y = np.arange(count * 2, dtype=np.int32)
    names = np.array([f"n{i}" for i in y], object)
    return tf.data.Dataset.from_tensor_slices({"x": x, "y": y, "name": names}).batch(2)


def test_elements_are_there_before_they_are_asked_for(gpu):
    data = batches().apply(tf.data.experimental.prefetch_to_device("/gpu:0", 3))
    iterator = iter(data)
    first = next(iterator)
    assert gpu["cuMemcpyHtoDAsync_v2"] == 4  # it, and three more
    assert first["x"].device == GPU and first["y"].device == CPU and first["name"].device == CPU
    found = [first, *iterator]
    assert gpu["cuMemcpyHtoDAsync_v2"] == 8 and gpu["cuMemcpyDtoHAsync_v2"] == 0
    np.testing.assert_array_equal([e["x"].numpy() for e in found], np.arange(48).reshape(8, 2, 3))
    np.testing.assert_array_equal([e["y"].numpy() for e in found], np.arange(16).reshape(8, 2))
    assert found[7]["name"].numpy().tolist() == [b"n14", b"n15"]


def test_copies_go_through_pinned_memory_in_a_stream_of_their_own(gpu):
    data = batches(20).apply(tf.data.experimental.prefetch_to_device("/gpu:0"))
    step = tf.function(lambda x: tf.reduce_sum(x))
    sums, before = [], gpu["cuStreamSynchronize"]
    for element in data:
        sums.append(step(element["x"]))
    assert gpu["cuMemAllocHost_v2"] <= 2
    assert gpu["cuMemAllocAsync"] < 60  # not one for each element and result
    assert gpu["cuStreamSynchronize"] <= before + 4  # loading kernels
    assert gpu["cuStreamWaitEvent"] >= 20
    np.testing.assert_array_equal(
        np.array(sums), np.arange(120, dtype=np.float32).reshape(20, 6).sum(1)
    )


def test_elements_that_are_kept_stay_as_they_are(gpu):
    data = batches(12).apply(tf.data.experimental.prefetch_to_device("/gpu:0", 1))
    kept = [element["x"][:, :1] * 1.0 for element in data]
    some = [element["x"] for i, element in enumerate(data) if i % 3 == 0]
    np.testing.assert_array_equal(some[2], np.arange(36, 42).reshape(2, 3))
    np.testing.assert_array_equal(kept[11], [[66], [69]])


def test_copying_without_going_ahead(gpu):
    data = batches().apply(tf.data.experimental.copy_to_device("/gpu:0"))
    element = next(iter(data))
    assert gpu["cuMemcpyHtoDAsync_v2"] == 1 and element["x"].device == GPU
    assert data.element_spec == batches().element_spec


def test_on_the_cpu_elements_stay(gpu):
    data = batches().apply(tf.data.experimental.prefetch_to_device("/cpu:0"))
    assert next(iter(data))["x"].device == CPU and not gpu["cuMemcpyHtoDAsync_v2"]


def test_memory_of_elements_is_used_again(gpu):
    data = batches(30).apply(tf.data.experimental.prefetch_to_device("/gpu:0", 1))
    use, most = DEVICE.gpu.use, []
    for element in data:
        most.append(use.current)
        del element
    gc.collect()
    assert most[-1] <= most[5]


def test_positions_of_such_iterators_are_not_saved(gpu, tmp_path):
    iterator = iter(batches().apply(tf.data.experimental.prefetch_to_device("/gpu:0")))
    with pytest.raises(tf.errors.UnimplementedError, match="prefetch_to_device"):
        tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "saved"))


def test_functions_that_take_elements_of_such_an_iterator_miss_none(gpu):
    iterator = iter(batches(5).apply(tf.data.experimental.prefetch_to_device("/gpu:0", 2)))
    take = tf.function(lambda i: next(i)["x"])
    found = [next(iterator)["x"], take(iterator), next(iterator)["x"], take(iterator)]
    found += [element["x"] for element in iterator]
    np.testing.assert_array_equal(found, np.arange(30).reshape(5, 2, 3))
    with pytest.raises(tf.errors.OutOfRangeError):
        iterator.get_next()
    with pytest.raises(StopIteration):
        next(iterator)


def summed(library, count=6):
    """A running sum of batches of the host that change as soon as a step is asked for, on a GPU whose streams do nothing before they must."""
    device = CudaDevice("lazy", lambda: library, ir_image)
    p = Builder()
    x, total = (p.parameter(i, (1 << 15,), dtypes.float32) for i in range(2))
    program = device.load(
        plan_function(
            Function("step", (x, total), (p.add(p.mul(x, 2.0), total),)), device.generator, 1
        )
    )
    batch, result = np.empty(1 << 15, np.float32), np.zeros(1 << 15, np.float32)
    for i in range(count):
        batch[:] = i + 1
        (result,) = program.run([batch, result])
    return result.on_host()[:3]


def test_large_batches_of_the_host_are_staged_in_pinned_memory():
    library = EmulatedLibrary(lazy=True)
    np.testing.assert_array_equal(summed(library), 2 * sum(range(7)))
    calls = library.calls
    assert calls["cuMemAllocHost_v2"] == 2 and calls["cuEventSynchronize"] == 4  # of six copies
    assert calls["cuStreamSynchronize"] == 2  # loading constants, reading the result
    assert calls["cuGraphLaunch"] >= 3


@pytest.mark.parametrize("missing", ["cuStreamWaitEvent", "cuEventSynchronize"])
def test_streams_that_do_not_wait_give_wrong_numbers(missing):
    library = EmulatedLibrary(lazy=True)
    library.fails[missing] = 0  # as if it were done
    assert not np.array_equal(summed(library), [2 * sum(range(7))] * 3)


def test_small_arguments_are_copied_at_once(gpu):
    step = tf.function(lambda x: x * 2.0)
    for _ in range(3):
        step(np.ones(100, np.float32))
    assert not gpu["cuMemAllocHost_v2"]


def test_staging_memory_is_given_back_where_the_gpu_has_no_more():
    gpu = CudaDevice("staging", lambda: EmulatedLibrary(memory=1 << 20), ir_image).gpu
    for _ in range(3):
        gpu.feeder.receive(gpu.feeder.send([np.ones(60_000, np.float32)]))
    assert gpu.use.current >= 3 * 240_000
    held = gpu.allocate(800_000)
    assert gpu.use.current == held.size


def test_pinned_memory_is_not_used_after_a_larger_block_could_not_be_had():
    library = EmulatedLibrary()
    gpu = CudaDevice("pinned", lambda: library, ir_image).gpu

    def send(count):
        (memory,) = gpu.feeder.receive(gpu.feeder.send([np.ones(count, np.float32)]))
        return memory.fetch((count,), np.dtype(np.float32))

    for count in (100, 100):
        send(count)
    library.fails["cuMemAllocHost_v2"] = 2  # out of memory
    for _ in range(2):
        with pytest.raises(tf.errors.OpError):
            send(1000)
    del library.fails["cuMemAllocHost_v2"]
    for count in (100, 100, 1000):
        np.testing.assert_array_equal(send(count), np.ones(count))
