"""Loops and branches as jumps of the launch table, against the interpreter."""

import numpy as np
import pytest

from penstock._src.core import dtypes


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_loop_counts(native, values, steps):
    def make(p, x, n):
        return p.while_(
            lambda i, v: p.lt(i, n),
            lambda i, v: [i + 1, v * 1.5 + 1.0],
            [p.constant(np.int32(0)), x],
        )

    native(make, values("float32", (7, 5)), np.array(steps, np.int32), tolerance=50)


def test_state_may_swap_and_stay(native, values):
    def make(p, x, y, n):
        return p.while_(
            lambda i, a, b, c: p.lt(i, n), lambda i, a, b, c: [i + 1, b, a, p.reduce_sum(a) + c],
            [p.constant(np.int32(0)), x, y, p.constant(np.float32(0))],
        )  # fmt: skip

    native(
        make,
        values("float32", (9,)),
        values("float32", (9,), 1),
        np.array(3, np.int32),
        tolerance=50,
    )


def test_a_loop_writes_rows_of_a_buffer(native, values):
    def make(p, x, n):
        def body(i, rows, h):
            h = p.tanh(p.add(p.dynamic_index(x, i), p.reverse(h, [0])))
            return [i + 1, p.dynamic_set_index(rows, i, h), h]

        return p.while_(lambda i, rows, h: p.lt(i, n), body,
                        [p.constant(np.int32(0)), p.full((6, 8), 0.0, dtypes.float32), p.full((8,), 0.5, dtypes.float32)])  # fmt: skip

    native(make, values("float32", (6, 8)), np.array(6, np.int32), tolerance=50)


def test_nested_loops_and_branches(native, values):
    def make(p, x, n):
        def inner(j, v):
            (w,) = p.case(
                p.cast(p.mod(j, 3), dtypes.int32),
                [lambda v: v + 1.0, lambda v: v * 2.0, lambda v: p.reverse(v, [0])],
                [v],
            )
            return [j + 1, w]

        def outer(i, v):
            _, w = p.while_(lambda j, v: p.le(j, i), inner, [p.constant(np.int32(0)), v])
            return [i + 1, w]

        return p.while_(lambda i, v: p.lt(i, n), outer, [p.constant(np.int32(0)), x])

    native(make, values("float32", (5,)), np.array(4, np.int32), tolerance=50)


@pytest.mark.parametrize("index", [-1, 0, 1, 2, 7])
def test_case_chooses(native, values, index):
    def make(p, i, x):
        return p.case(
            i,
            [
                lambda v: [v + 1.0, v],
                lambda v: [v, v * 2.0],
                lambda v: [p.sqrt(p.abs(v)), p.exp(v)],
            ],
            [x],
        )

    native(make, np.array(index, np.int32), values("float32", (11,)))


def test_a_branch_gives_an_argument_or_a_constant(native, values):
    def make(p, i, x):
        return p.case(i, [lambda v: [v], lambda v: [p.full((3, 4), 2.0, dtypes.float32)]], [x])

    for index in (0, 1):
        native(make, np.array(index, np.int64), values("float32", (3, 4)))


def test_a_matrix_power_by_a_loop(native, values):
    def make(p, x, n):
        return p.while_(
            lambda i, v: p.lt(i, n),
            lambda i, v: [i + 1, p.matmul(v, x)],
            [p.constant(np.int32(0)), x],
        )

    native(make, values("float32", (8, 8), 0, -0.3, 0.3), np.array(4, np.int32), tolerance=100)


def test_rows_are_written_in_place(native, values):
    def make(p, x, n):
        def body(i, rows):
            return [i + 1, p.dynamic_set_index(rows, i, p.dynamic_index(x, i) * 2.0)]

        return p.while_(
            lambda i, rows: p.lt(i, n),
            body,
            [p.constant(np.int32(0)), p.full((6, 80), 0.0, dtypes.float32)],
        )

    program, _ = native(make, values("float32", (6, 80)), np.array(5, np.int32))
    labels = [getattr(x, "label", "") for x in program.plan.launches]
    assert "nest[80] dynamic_update_slice" in labels


@pytest.mark.parametrize("op", ["add", "set"])
def test_a_variable_is_scattered_into_in_place(native, values, op):
    def make(p, table, i, u):
        p.assign_variable(table, p.scatter(p.read_variable(table), i, u, op))

    i = np.array([[3], [0], [3], [7]], np.int32)
    program, _ = native(
        make, values("float32", (9, 20)), i, values("float32", (4, 20), 1), variables=(0,)
    )
    assert len(program.plan.launches) == 1


def test_a_variable_read_after_a_scatter_keeps_its_old_value(native, values):
    def make(p, table, i, u):
        old = p.read_variable(table)
        p.assign_variable(table, p.scatter(old, i, u, "add"))
        return [old, p.gather(old, p.reshape(i, (4,)), 0), p.reduce_sum(old)]

    i = np.array([[3], [0], [3], [7]], np.int32)
    native(make, values("float32", (9, 20)), i, values("float32", (4, 20), 1), variables=(0,))


def test_blocks_of_one_shape_are_one_nest(native, values):
    """A joined array in a stack, its pieces, and a value handed on: one launch a step, nothing is copied."""

    def make(p, x, n):
        def body(i, rows, kept, h):
            row = p.dynamic_index(x, i)
            parts = [p.tanh(h), p.mul(h, row), p.add(h, 1.0)]
            joined = p.concat(parts, 1)
            rows = p.dynamic_set_index(rows, i, joined)
            return [p.add(i, 1), rows, p.dynamic_set_index(kept, i, h), p.add(parts[1], row)]

        zeros = [p.full(s, 0.0, dtypes.float32) for s in ((6, 4, 60), (6, 4, 20), (4, 20))]
        return p.while_(lambda i, *_: p.lt(i, n), body, [p.constant(np.int32(0)), *zeros])

    program, _ = native(make, values("float32", (6, 4, 20)), np.array(6, np.int32), tolerance=20)
    labels = [getattr(x, "label", "") for x in program.plan.launches]
    inner = labels[labels.index("nest[] compare") :]
    assert [x for x in inner if x.startswith("nest[4")] == [
        "nest[4x20] dynamic_update_slice binary"
    ]


def test_blocks_of_arrays_that_are_needed_again_are_written_to_copies(native, values):
    def make(p, x, y, i):
        changed = p.dynamic_set_index(x, i, y)
        twice = p.dynamic_set_index(changed, p.add(i, 1), p.mul(y, 2.0))
        return [
            changed,
            twice,
            p.add(x, 1.0),
            p.dynamic_set_index(p.full((5, 8), 3.0, x.dtype), i, y),
        ]

    native(make, values("float32", (5, 8)), values("float32", (8,), 1), np.array(2, np.int32))
