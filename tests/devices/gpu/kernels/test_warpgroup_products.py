"""Products by warpgroups on an emulated GPU of compute capability 9.0, and what the emulator says of kernels that are broken on purpose."""

import ctypes
import re
from dataclasses import replace
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu.cuda.driver.calls import MAP_BYTES, Driver
from penstock._src.devices.gpu.cuda.driver.maps import LaunchMaps
from penstock._src.devices.gpu.cuda.ptx import assembled, find_ptxas, ptx_of
from penstock._src.devices.gpu.device import Gpus
from penstock._src.devices.gpu.emulator import EmulatedKernel, KernelFault
from penstock._src.devices.gpu.emulator.asynchronous.boxes import Copy
from penstock._src.devices.gpu.emulator.asynchronous.faults import Misuse
from penstock._src.devices.gpu.emulator.asynchronous.products import Products, Reading
from penstock._src.devices.gpu.emulator.device import DEVICE, ir_image
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.kernels.contractions.products import TileShape
from penstock._src.devices.gpu.kernels.contractions.warpgroup_products import (
    emit_warpgroup_product,
    hindrance,
)
from penstock._src.devices.gpu.target import target_of
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import by_reference, launches, on_gpu

RANDOM = np.random.default_rng(11)
TARGET = target_of("sm_90a")
BF16 = ml_dtypes.bfloat16


def described(m, k, n, element="bfloat", left_across=False, right_across=True):
    total = "i32" if element == "i8" else "float"
    types = Types(element, element, total, total)
    left = Matrix(element, 1, (m,)) if left_across else Matrix(element, k, (1,))
    right = Matrix(element, 1, (n,)) if right_across else Matrix(element, k, (1,))
    return Gemm(m, n, (k,), left, right, types, n)


def code_of(gemm, columns=128):
    depth = 128 if gemm.types.left == "i8" else 64
    return emit_warpgroup_product(gemm, TARGET, shape=TileShape(128, columns, depth))


def product(code, a, b, edit=lambda text: text, maps=None):
    """The product of arrays as they lie in memory, by a kernel whose text is edited before."""
    library = EmulatedLibrary(capability="9.0")
    emulator = library.emulator
    total = np.int32 if a.dtype == np.int8 else np.float32
    memory = [emulator.allocate(x.nbytes, name) for x, name in ((a, "A"), (b, "B"))]
    for place, x in zip(memory, (a, b), strict=True):
        place.bytes[:] = x.view(np.uint8).reshape(-1)
    gemm_rows, columns = a.out
    memory.append(emulator.allocate(gemm_rows * columns * 4, "C"))
    context = [m.address for m in memory] + [0, 0, 0]
    launch_maps = LaunchMaps(SimpleNamespace(driver=Driver(library)), maps or code.code.maps)
    found = [ctypes.string_at(x, MAP_BYTES) for x in launch_maps.addresses(context)]
    kernel = EmulatedKernel(edit(code.code.text), "task")
    blocks = code.stages(())[0].tasks(())
    words = context[: kernel.words]
    emulator.launch(kernel, words, blocks, blocks, dynamic=code.code.shared, maps=b"".join(found))
    return memory[2].bytes.view(total).reshape(gemm_rows, columns)


class Operand(np.ndarray):
    """An array with the extents of the product that it is for."""

    out = (0, 0)


def operands(gemm, k, dtype=BF16):
    found = []
    for x, cross in ((gemm.left, gemm.m), (gemm.right, gemm.n)):
        shape = (cross, k) if x.depth == (1,) else (k, cross)
        numbers = RANDOM.integers(-8, 8, shape)
        found.append(numbers.astype(dtype).view(Operand))
    found[0].out = gemm.m, gemm.n
    return found


def wanted_of(gemm, a, b):
    kind = np.int64 if a.dtype == np.int8 else np.float64
    a, b = (np.asarray(x).astype(kind) for x in (a, b))
    return (a if gemm.left.depth == (1,) else a.T) @ (b.T if gemm.right.depth == (1,) else b)


@pytest.mark.parametrize("columns", [128, 256])
@pytest.mark.parametrize(("left_across", "right_across"), [(0, 1), (1, 0)])
def test_layouts_and_ragged_edges(left_across, right_across, columns):
    gemm = described(104, 200, 152, "bfloat", left_across, right_across)
    a, b = operands(gemm, 200)
    found = product(code_of(gemm, columns), a, b)
    np.testing.assert_array_equal(found, wanted_of(gemm, a, b))  # whole numbers: exact sums


@pytest.mark.parametrize(("element", "dtype"), [("half", np.float16), ("i8", np.int8)])
def test_other_types(element, dtype):
    gemm = described(128, 144, 128, element, False, False)
    a, b = operands(gemm, 144, dtype)
    np.testing.assert_array_equal(product(code_of(gemm), a, b), wanted_of(gemm, a, b))


REPEATED = described(128, 320, 128)  # five steps: a stage is used twice


@pytest.fixture(scope="module")
def repeated():
    return code_of(REPEATED), *operands(REPEATED, 320)


def without(pattern, occurrence=0):
    """Drops a line of the kernel."""

    def edit(text):
        lines = text.split("\n")
        at = [i for i, line in enumerate(lines) if re.search(pattern, line)][occurrence]
        return "\n".join(lines[:at] + lines[at + 1 :])

    return edit


def instead(pattern, replacement, count=1):
    """Changes a part of the text, which there is."""

    def edit(text):
        changed, times = re.subn(pattern, replacement, text, count=count)
        assert times
        return changed

    return edit


EXPECT = r"(arrive\.expect_tx.*?, i32) (\d+)\)"
BREAKS = {
    "tiles are not waited for": (without(r"try_wait", 0), "nothing was copied|a copy is on its way"),
    "stages are not waited for": (without(r"try_wait", 1), "copy may be on its way|still be multiplied"),
    "the other parity of a full stage": (
        instead(r"(try_wait(?:.|\n)*?, i32) (%\w+)\)", r"\1 1)"), "on its way|waits for others",
    ),
    "a stage is left before its products are": (
        instead(r"wait_group\.sync\.aligned 1", "wait_group.sync.aligned 2"), "may still be multiplied",
    ),
    "a stage is never left": (without(r"mbarrier\.arrive\.shared"), "waits for others"),
    "the last products are not waited for": (
        instead(r"wait_group\.sync\.aligned 0", "wait_group.sync.aligned 1"), "without waiting for its products",
    ),
    "products are in no group": (without(r"commit_group"), "without waiting for its products|still be multiplied"),
    "sums without a fence": (
        instead(r"wgmma\.fence\.sync\.aligned", "wgmma.wait_group.sync.aligned 7"), "without a fence for its sums",
    ),
    "fewer bytes are expected": (instead(EXPECT, r"\1 16384)"), "more bytes come|multiplied|on its way"),
    "more bytes are expected": (instead(EXPECT, r"\1 65536)"), "waits for others"),
    "no barrier behind their making": (without(r"call void @llvm\.nvvm\.barrier"), "before it has observed|no thread has initialized"),
    "no fence behind their making": (without(r"fence\.proxy"), "without a fence after its initialization"),
    "lines are not swizzled": (
        instead(r"(or i64 %\w+, )(\d{16,})", lambda m: f"{m[1]}{int(m[2]) - (1 << 62)}"), "not swizzled",
    ),
}  # fmt: skip


def test_the_kernel_that_is_broken_below_is_right(repeated):
    code, a, b = repeated
    np.testing.assert_array_equal(product(code, a, b), wanted_of(REPEATED, a, b))


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_kernel_is_found(name, repeated):
    edit, message = BREAKS[name]
    with pytest.raises(KernelFault, match=message):
        product(*repeated, edit)


@pytest.mark.parametrize("shift", [1, 3])
def test_a_tile_read_at_another_depth_gives_other_numbers(shift, repeated):
    code, a, b = repeated
    text = code.code.text
    step = re.search(r"= add i64 (%\w+), 2\n", text)
    assert step
    edit = instead(r"= add i64 (%\w+), 2\n", rf"= add i64 \1, {shift}\n")
    assert not np.array_equal(product(code, a, b, edit), wanted_of(REPEATED, a, b))


def test_a_map_that_reaches_beyond_its_operand_is_found(repeated):
    code, a, b = repeated
    left, right = code.code.maps
    wider = replace(left, strides=(2 * left.strides[0],))
    with pytest.raises(KernelFault, match="outside of what it has"):
        product(code, a, b, maps=(wider, right))
    with pytest.raises(InternalError, match="cuTensorMapEncodeTiled.*INVALID"):
        product(code, a, b, maps=(replace(left, base=2), right))


@pytest.mark.parametrize("columns", [128, 256])
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("element", ["bfloat", "half"])
def test_ptxas_takes_it_without_spills(element, across, columns):
    ptxas = find_ptxas()
    if ptxas is None:
        pytest.skip("no ptxas")
    text = ptx_of(code_of(described(1024, 512, 1024, element, across, across), columns).code)
    assert "wgmma.mma_async" in text and "cp.async.bulk.tensor.2d" in text
    _, found = assembled(text, "sm_90a", ptxas)
    assert found and not any(kernel.spilled or kernel.serial for kernel in found)


@pytest.fixture
def hopper(monkeypatch):
    """Programs run on an emulated GPU of compute capability 9.0."""
    library = EmulatedLibrary(capability="9.0")
    monkeypatch.setattr(DEVICE, "gpus", Gpus("GPU_emulated", lambda: library, ir_image))
    return library.calls


def of_bfloat16(function):
    def cast(*arguments):
        found = function(*[tf.cast(x, tf.bfloat16) for x in arguments])
        return tf.nest.map_structure(lambda x: tf.cast(x, tf.float32), found)

    return cast


PROGRAMS = {
    "epilogue": (lambda a, b, c: tf.nn.relu(a @ b + c), [(130, 72), (72, 136), (136,)]),
    "batches": (lambda a, b: tf.matmul(a, b), [(2, 128, 64), (2, 64, 128)]),
    "one operand for all batches": (
        lambda a, b: tf.matmul(a, b, transpose_b=True), [(2, 128, 64), (1, 128, 64)],
    ),
    "parts of the depth": (lambda a, b: a @ b, [(130, 1104), (1104, 136)]),
    "sums of columns": (lambda a, b: tf.reduce_sum(tf.nn.relu(a @ b), 0), [(200, 64), (64, 128)]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, hopper):
    function, shapes = PROGRAMS[name]
    arguments = [tf.constant(RANDOM.integers(-4, 5, s).astype(np.float32)) for s in shapes]
    with launches() as made:
        found = on_gpu(of_bfloat16(function), *arguments)
    assert any("by wgmma" in r.label and "wgmma.mma_async" in r.code.text for r in made)
    wanted = by_reference(of_bfloat16(function), *arguments)
    np.testing.assert_allclose(found, wanted, rtol=2**-7, atol=0)


def test_maps_follow_arguments_and_are_kept_in_graphs(hopper):
    """A replayed graph has the maps that its launch had; another place of an operand makes new ones."""
    function = tf.function(lambda a, b: tf.cast(a @ b, tf.float32))
    arrays = [RANDOM.integers(-4, 5, (2, 128, 64)).astype(BF16) for _ in range(2)]
    with override(device="GPU_emulated"):
        keep = [[tf.constant(x[i]) for x in arrays] for i in range(2)]
        for round_ in range(6):
            a, b = keep[round_ % 2][0], tf.transpose(keep[round_ % 2][1])
            wanted = np.asarray(a, np.float32) @ np.asarray(b, np.float32)
            np.testing.assert_array_equal(np.asarray(function(a, b)), wanted)
    assert hopper["cuTensorMapEncodeTiled"] >= 2 and hopper["cuGraphLaunch"] > 0


def test_sums_that_are_touched_between_products_are_reported():
    """What ptxas says then is read by its words, which this holds to."""
    ptxas = find_ptxas()
    if ptxas is None:
        pytest.skip("no ptxas")
    text = ptx_of(code_of(REPEATED).code)
    touched = re.sub(r"(wgmma\.commit_group)", r"add.f32 %r27, %r27, 0f3F800000; \1", text, count=1)
    sums = re.search(r"bf16 \{(%r\d+),", text)
    touched = touched.replace("%r27, %r27", f"{sums[1]}, {sums[1]}")
    _, found = assembled(touched, "sm_90a", ptxas)
    assert any(kernel.serial for kernel in found)


def test_the_rule_says_why_not():
    assert hindrance(described(512, 512, 512), TARGET) is None
    assert "no wgmma" in hindrance(described(512, 512, 512), target_of("sm_80"))
    assert "fewer than 128" in hindrance(described(64, 512, 512), TARGET)
    assert "does not multiply float" in hindrance(described(512, 512, 512, "float"), TARGET)
    assert "right operand does not lie" in hindrance(described(512, 512, 513), TARGET)
    assert "depth is less" in hindrance(described(512, 32, 512), TARGET)


def test_a_tile_is_watched_after_another_of_the_same_products_is_overwritten():
    reading = Reading(0, [np.arange(128), np.arange(128, 256)])
    known = [set() for _ in range(6)]
    known[4].update(reading.events())  # warp 4 has waited for it, warp 5 has not
    products = Products(None, None, known)
    products._readings.append(reading)
    products.overwritten(4 * 32, Copy(np.arange(64), 0))
    for places in (np.arange(64, 128), np.arange(128, 256)):
        with pytest.raises(Misuse, match="may still be multiplied"):
            products.overwritten(5 * 32, Copy(places, 0))
    products.overwritten(5 * 32, Copy(np.arange(64), 1))
    products.overwritten(4 * 32, Copy(np.arange(256), 2))
    assert not products._readings
