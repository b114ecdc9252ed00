"""Elements a few apart are read by whole rows, none of which reaches beyond the first and the last of them."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.native.target import levels_of_host
from penstock._src.util import flags
from tests.compiler.codegen.kernel_harness import guarded

TYPES = "bool int8 uint16 int32 float32 float64 bfloat16 complex64".split()
CPUS = ["", *(level for level in sorted(levels_of_host()) if level.startswith("x86-64"))]


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_second_to_fifth_element_between_guard_pages(native, values, dtype, cpu, at_end):
    with flags.override(cpu=cpu):
        for step in (2, 3, 4, 5):
            for count in (64, 129):
                x = guarded(values(dtype, (step * (count - 1) + 1,)), at_end)
                native(lambda p, x: p.slice(x, [0], x.shape, [step]), x)  # noqa: B023


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("dtype", TYPES)
def test_rows_from_the_end(native, values, dtype, at_end):
    x = guarded(values(dtype, (3, 133)), at_end)
    native(lambda p, x: p.reverse(x, [1]), x)
    native(lambda p, x: p.reverse(p.slice(x, [0, 1], [3, 133], [1, 2]), [0, 1]), x)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("rows", [[0, 2, 1, 1], [0, -1, 3, 2]], ids=["inside", "outside"])
def test_parts_of_rows_that_are_chosen(native, values, dtype, rows):
    table, chosen = guarded(values(dtype, (3, 128))), np.array(rows, np.int32)

    def halves(p, table, chosen):
        even = p.gather(p.slice(table, [0, 0], [3, 128], [1, 2]), chosen, mode="zero")
        odd = p.gather(p.slice(table, [0, 1], [3, 128], [1, 2]), chosen, mode="zero")
        return p.cast(even, dtypes.float32) - p.cast(odd, dtypes.float32)

    native(halves, table, chosen)
