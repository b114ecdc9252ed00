"""Partitions and stitches against plain loops."""

import numpy as np
import pytest

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check, ints, values

X = values(4, 2)


def test_partition():
    numbers = ints(1, 0, 1, 2)
    parts = [X[numbers == i] for i in range(3)]
    check(
        OpCase(
            "DynamicPartition",
            [X, numbers],
            {"num_partitions": 3},
            expect=parts,
            shape_known=False,
            compiles=False,
        )
    )


@pytest.mark.parametrize("op", ["DynamicStitch", "ParallelDynamicStitch"])
def test_stitch(op):
    expected = np.stack([X[2], X[0], X[3], X[1]])
    case = OpCase(op, [[ints(1, 3), ints(0, 2)], [X[:2], X[2:]]], expect=expected, compiles=False)
    check(case)


def test_stitch_undoes_a_partition():
    numbers = ints(1, 0, 1, 0)
    parts = raw.DynamicPartition(X, numbers, num_partitions=2)
    places = raw.DynamicPartition(ints(0, 1, 2, 3), numbers, num_partitions=2)
    np.testing.assert_array_equal(raw.DynamicStitch(places, parts).numpy(), X)


def test_a_part_that_does_not_exist():
    with pytest.raises(InvalidArgumentError, match=r"partitions\[2\] = 5 is not in \[0, 2\)"):
        raw.DynamicPartition(np.ones(3), ints(0, 1, 5), num_partitions=2)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.bool_, np.int16])
@pytest.mark.parametrize("rest", [(2, 3), (1000,), (1000, 0)])
def test_stitched_parts_leave_rows_and_overwrite_others(rest, dtype):
    random = np.random.default_rng(1)
    numbers = [random.integers(0, 40, count).astype(np.int32) for count in (9, 0, 14)]
    parts = [(5 * random.standard_normal((n.size, *rest))).astype(dtype) for n in numbers]
    expected = np.zeros((max(n.max() for n in numbers if n.size) + 1, *rest), dtype)
    for n, part in zip(numbers, parts, strict=True):
        for row, value in zip(n, part, strict=True):
            expected[row] = value
    np.testing.assert_array_equal(raw.DynamicStitch(numbers, parts).numpy(), expected)
