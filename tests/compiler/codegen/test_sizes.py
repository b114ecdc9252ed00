"""A new size of a symbolic dimension is planned again, but no kernel is written or compiled for it."""

import pytest

from penstock._src.core import dtypes
from tests.extents import symbol


def mlp(p, x, w, b, v):
    h = p.maximum(p.matmul(x, w) + b, 0.0)
    logits = p.matmul(h, v)
    e = p.exp(logits - p.reduce_max(logits, (1,), keepdims=True))
    y = e / p.reduce_sum(e, (1,), keepdims=True)
    return [
        y,
        p.reduce_mean(p.reduce_sum(y * logits, (1,))),
        p.matmul(p.transpose(h, (1, 0)), y),
        p.reduce_sum(h, (0,)),
    ]


def shuffle(p, x):
    n = x.shape[0]
    y = p.concat([x, p.reverse(x, (0, 1))], 0)
    z = (
        p.reshape(p.transpose(y, (1, 0)), (-1,))
        if False
        else p.reshape(p.transpose(y, (1, 0)), (6 * n,))
    )
    return [z, p.pad(x, (1, 0), (2, 1), 0.5), p.slice(y, (n - 1, 0), (n + 1, 3)), p.iota((n, 2), 0, dtypes.int32),
            p.cumulative(x, "sum", 0), p.arg_max(x, 0, dtypes.int64), p.gather(x, p.arg_max(x, 1, dtypes.int64), 0)]  # fmt: skip


@pytest.mark.parametrize(
    "make,others,columns",
    [(mlp, [(20, 33), (33,), (33, 10)], 20), (shuffle, [], 3)],
    ids=["mlp", "movements"],
)
def test_a_new_batch_size_writes_no_kernel(native, values, make, others, columns):
    def call(n):
        arrays = [
            values("float32", (n, columns), n),
            *[values("float32", s, i) for i, s in enumerate(others)],
        ]
        shapes = [(symbol("batch", n), columns), *others]
        return native(make, *arrays, shapes=shapes, tolerance=100)[0]

    call(32)
    for n in (7, 33, 128, 3, 5000):
        assert call(n).plan.written == 0, n


def test_sizes_as_values(native, values):
    n = symbol("n", 5)

    def make(p, x):
        return [
            p.shape_value((x.shape[0], 3, x.shape[0] * 2)),
            p.reduce_sum(x) / p.cast(p.size(x.shape[0]), dtypes.float32),
        ]

    native(make, values("float32", (5, 2)), shapes=[(n, 2)])
