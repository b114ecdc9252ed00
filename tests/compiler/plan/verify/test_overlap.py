"""Results over what their kernels read: allowed element by element and row by row, refused otherwise."""

import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.verify.order import MemoryTrace, verify_order
from penstock._src.compiler.plan.verify.overlap import places_of, verify_nest, verify_tiles
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.devices.cpu.device import DEVICE

F32 = dtypes.float32
TARGET = DEVICE.generator.target


def kernels(body, *shapes):
    p = LoweringContext()
    parameters = [p.parameter(i, shape, F32) for i, shape in enumerate(shapes)]
    return schedule_function(p.function("f", parameters, body(p, *parameters))).kernels


def lies_over_its_input(body, size=None, offset=0):
    """Verifies a nest of one array that stores over it."""
    (kernel,) = kernels(body, (40, 60))
    source = Buffer("x", 40 * 60 * 4)
    out = Buffer("y", size or source.size, "inside", inside=source, offset=offset)
    verify_nest(kernel, [source], [out], out, source, TARGET)


def test_elements_may_lie_over_those_that_they_are_made_of():
    lies_over_its_input(lambda p, x: [p.exp(x) + x])
    lies_over_its_input(lambda p, x: [x / p.reduce_max(x, (1,), keepdims=True)])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda p, x: [p.reverse(x, (0,)) + x], r"over what is read at .*v1<40 = 0, v2<60 = 0|v2<60 = 0, v1<40 = 0"),
        (
            lambda p, x: [x / p.reduce_max(p.reverse(x, (0,)), (1,), keepdims=True)],
            r"over what another row's .* reads \(.*= 0.*\)",
        ),
    ],
)  # fmt: skip
def test_elements_may_not_lie_over_others(body, message):
    with pytest.raises(InternalError, match=message):
        lies_over_its_input(body)


def test_elements_of_another_size_or_place_do_not_lie_over_one_another():
    with pytest.raises(InternalError, match="y is written over x, element over another"):
        lies_over_its_input(lambda p, x: [p.cast(x, dtypes.float64)], 40 * 60 * 8)
    with pytest.raises(InternalError, match="y is written over x, element over another"):
        lies_over_its_input(lambda p, x: [p.exp(x)], offset=64)


def product(epilogue):
    """A product of (40, 60) and (60, 40), with something of a further array."""
    body = lambda p, x, w, z: [epilogue(p, p.matmul(x, w), z)]  # noqa: E731
    (kernel,) = kernels(body, (40, 60), (60, 40), (40, 40))
    return kernel, [Buffer(name, 40 * 40 * 4) for name in "xwzy"]


def test_epilogues_read_the_element_that_they_store():
    kernel, (x, w, z, y) = product(lambda p, product, z: product + z)
    verify_tiles(kernel, [x, w, z], y, z)
    for multiplied in (x, w):
        with pytest.raises(InternalError, match=f"over {multiplied.name}, which is multiplied"):
            verify_tiles(kernel, [x, w, z], y, multiplied)


def test_epilogues_that_read_elsewhere_have_results_of_their_own():
    kernel, (x, w, z, y) = product(lambda p, product, z: product + p.reverse(z, (1,)))
    with pytest.raises(InternalError, match="y is written over z, which is read at"):
        verify_tiles(kernel, [x, w, z], y, z)


def test_products_without_an_epilogue_lie_over_nothing():
    kernel, (x, w, z, y) = product(lambda p, product, z: product)
    with pytest.raises(InternalError, match="y is written over z, which is multiplied"):
        verify_tiles(kernel, [x, w, z], y, z)


def test_where_parts_of_buffers_lie():
    whole = Buffer("whole", 64, offset=128)
    part = Buffer(
        "part", 16, "inside", inside=Buffer("half", 32, "inside", inside=whole, offset=8), offset=4
    )
    assert places_of(part) == (whole, 140)
    result = Buffer("result", 64, "output", offset=7)
    assert places_of(result) == (result, 0)


def test_what_is_no_kernel_writes_over_nothing_that_it_reads():
    a, b = Buffer("a", 64), Buffer("b", 64)
    trace = MemoryTrace()
    trace.add("first", [], [a])
    trace.add("second", [a], [b])
    with pytest.raises(InternalError, match="second: b is written over a, which is read"):
        verify_order(trace, 64, TARGET)
