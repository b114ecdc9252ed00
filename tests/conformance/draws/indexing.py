"""Calls of ops that pick entries, scatter them, count them, and search among them."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.movement import array
from tests.conformance.draws.values import (
    INDEX,
    SEED,
    SOME,
    WIDE,
    drawn,
    numbers,
    shapes,
    types,
    whole,
)
from tests.harness.op_case import OpCase

DRAWS = {}


@drawn(DRAWS)
def GatherV2(draw):
    batch = draw(st.integers(0, 2))
    x = array(draw, "GatherV2", "Tparams", least=1 + batch, extent=SOME)
    axis = draw(st.integers(batch, x.ndim - 1))
    shape = (*x.shape[:batch], *draw(shapes(most=2)))
    at = whole(draw(SEED), shape, 0, x.shape[axis], draw(types("GatherV2", "Tindices")))
    if draw(st.booleans()):
        axis -= x.ndim
    return OpCase("GatherV2", [x, at, draw(INDEX)(axis)], {"batch_dims": batch})


@drawn(DRAWS)
def Gather(draw):
    x = array(draw, "Gather", "Tparams", least=1, extent=SOME)
    at = whole(draw(SEED), draw(shapes(most=3)), 0, x.shape[0], draw(INDEX))
    return OpCase("Gather", [x, at])


def _places(draw, shape, unique=False):
    """Index vectors into the leading axes of a shape, [count, depth]."""
    depth, count = draw(st.integers(1, len(shape))), draw(st.integers(0, 7))
    at = np.stack([whole(draw(SEED), count, 0, n) for n in shape[:depth]], -1)
    return (np.unique(at, axis=0) if unique else at).astype(draw(INDEX))


@drawn(DRAWS)
def GatherNd(draw):
    x = array(draw, "GatherNd", "Tparams", least=1, extent=SOME)
    at = _places(draw, x.shape)
    return OpCase("GatherNd", [x, at[None] if draw(st.booleans()) else at])


@drawn(DRAWS)
def ScatterNd(draw):
    shape = draw(shapes(1, 3, SOME))
    at, kind = _places(draw, shape), draw(types("ScatterNd"))
    updates = numbers(draw(SEED), (len(at), *shape[at.shape[1] :]), kind)
    return OpCase("ScatterNd", [at, updates, np.array(shape, at.dtype)])


def _scattering(op, ordered):
    """`ordered`: each place at most once, so that the order of updates does not matter."""

    @st.composite
    def strategy(draw):
        x = array(draw, op, least=1, most=3, extent=SOME)
        at = _places(draw, x.shape, unique=ordered)
        updates = numbers(draw(SEED), (len(at), *x.shape[at.shape[1] :]), x.dtype)
        return OpCase(op, [x, at, updates])

    return strategy()


for _op in "Update Add Sub Max Min".split():
    DRAWS[f"TensorScatter{_op}"] = _scattering(
        f"TensorScatter{_op}", _op in ("Update", "Max", "Min")
    )
DRAWS["ScatterNdNonAliasingAdd"] = _scattering("ScatterNdNonAliasingAdd", False)


def _segments(op, is_sorted):
    @st.composite
    def strategy(draw):
        x = array(draw, op, least=1, most=3)
        count = draw(st.integers(1, 5))
        ids = whole(draw(SEED), x.shape[:1], 0 if is_sorted else -1, count, draw(INDEX))
        # Differences drown in the lowest number, which an empty segment gets; recorded gradients remain.
        # TensorFlow's gradient of complex products is not conjugated.
        smooth = "Sum" in op or "Prod" in op and x.dtype.kind != "c"
        differs = None if smooth else False
        if "Prod" in op:
            x = numbers(draw(SEED), x.shape[:2] if x.shape[0] < 20 else (17,), x.dtype, 0.5, 2)
            ids = ids[: x.shape[0]]
        ids = np.sort(ids) if is_sorted else ids
        slack = (1e-4, 1e-4) if x.dtype == np.float32 else None
        slack = (6e-2, 6e-1) if x.dtype.itemsize == 2 and x.dtype.kind in "fV" else slack
        return OpCase(op, [x, ids, draw(INDEX)(count)], gradient=differs, tolerance=slack)

    return strategy()


for _op in "Sum Max Min Prod".split():
    DRAWS[f"UnsortedSegment{_op}"] = _segments(f"UnsortedSegment{_op}", False)
    DRAWS[f"Segment{_op}V2"] = _segments(f"Segment{_op}V2", True)


@drawn(DRAWS)
def OneHot(draw):
    at = whole(draw(SEED), draw(shapes(most=2)), -1, 5, draw(types("OneHot", "TI", "uint8")))
    kind = np.dtype(draw(types("OneHot")))
    on, off = np.array(1).astype(kind), np.array(0 if kind.kind == "u" else -1).astype(kind)
    inputs = [at, np.int32(draw(st.integers(0, 5))), on, off]
    return OpCase("OneHot", inputs, {"axis": draw(st.integers(-1, at.ndim))})


@drawn(DRAWS)
def InvertPermutation(draw):
    count = draw(st.integers(0, 40))
    return OpCase("InvertPermutation", [np.array(draw(st.permutations(range(count))), draw(INDEX))])


def _bounds(op):
    @st.composite
    def strategy(draw):
        rows, n, m = draw(st.integers(1, 3)), draw(st.integers(1, 40)), draw(SOME)
        kind = draw(types(op))
        line = np.sort(numbers(draw(SEED), (rows, n), kind, -9, 9), axis=-1)
        values = numbers(draw(SEED), (rows, m), kind, -9, 9)
        values[:, ::3] = line[:, :1]  # some are equal to an entry
        return OpCase(op, [line, values], {"out_type": draw(INDEX).__name__})

    return strategy()


for _op in ("LowerBound", "UpperBound"):
    DRAWS[_op] = _bounds(_op)


@drawn(DRAWS)
def Bincount(draw):
    at = whole(draw(SEED), draw(shapes(most=2)), 0, 9)
    weighted, kind = (
        draw(st.booleans()),
        draw(types("Bincount", without="bool complex64 complex128")),
    )
    weights = numbers(draw(SEED), at.shape if weighted else (0,), kind, 0, 3)
    inputs = [at, np.int32(draw(st.integers(0, 12))), weights]
    return OpCase("Bincount", inputs, tolerance=_of_sums(kind), shape_known=False)


@drawn(DRAWS)
def DenseBincount(draw):
    kind = draw(types("DenseBincount", without="bool complex64 complex128"))
    shape = draw(shapes(1, 2, SOME))
    at = whole(draw(SEED), shape, 0, 9, draw(INDEX))
    weights = numbers(draw(SEED), shape if draw(st.booleans()) else (0,), kind, 0, 3)
    inputs = [at, at.dtype.type(draw(st.integers(1, 12))), weights]
    attrs = {"binary_output": draw(st.booleans())}
    return OpCase("DenseBincount", inputs, attrs, tolerance=_of_sums(kind), shape_known=False)


def _of_sums(kind):
    """How far sums of some hundreds of numbers differ by their order."""
    return {2: (6e-2, 6e-2), 4: (1e-4, 1e-4)}.get(np.dtype(kind).itemsize)


@drawn(DRAWS)
def Bucketize(draw):
    x = array(draw, "Bucketize")
    bounds = sorted(draw(st.lists(st.integers(-3, 3), max_size=5)))
    return OpCase("Bucketize", [x], {"boundaries": [float(b) for b in bounds]})


@drawn(DRAWS)
def HistogramFixedWidth(draw):
    x = array(draw, "HistogramFixedWidth")
    x = numbers(draw(SEED), x.shape, x.dtype, 0, 20)
    ends = np.array([2, 13]).astype(x.dtype)
    kind = draw(INDEX).__name__
    inputs = [x, ends, np.int32(draw(st.integers(1, 12)))]
    return OpCase("HistogramFixedWidth", inputs, {"dtype": kind})


def _largest(op, k_is_input):
    @st.composite
    def strategy(draw):
        x = array(draw, op, least=1, most=3, extent=SOME)
        k, attrs = draw(st.integers(0, x.shape[-1])), {"sorted": True}
        if k_is_input:
            return OpCase(op, [x, np.int32(k)], attrs)
        return OpCase(op, [x], {"k": k, **attrs})

    return strategy()


DRAWS["TopKV2"] = _largest("TopKV2", True)
DRAWS["TopK"] = _largest("TopK", False)


@drawn(DRAWS)
def NthElement(draw):
    x = array(draw, "NthElement", least=1, most=3, extent=SOME)
    n = np.int32(draw(st.integers(0, x.shape[-1] - 1)))
    return OpCase("NthElement", [x, n], {"reverse": draw(st.booleans())})


@drawn(DRAWS)
def ApproxTopK(draw):
    x = array(draw, "ApproxTopK", least=1, most=3, extent=SOME)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    k = draw(st.integers(0, x.shape[axis]))
    attrs = {"k": k, "reduction_dimension": axis, "is_max_k": draw(st.booleans())}
    return OpCase("ApproxTopK", [x], attrs)


def _in_top(op):
    @st.composite
    def strategy(draw):
        x = numbers(draw(SEED), draw(shapes(2, 2, SOME)), np.float32)
        targets = whole(draw(SEED), x.shape[0], 0, x.shape[1], draw(INDEX))
        k = draw(st.integers(1, 4))
        if op == "InTopK":
            return OpCase(op, [x, targets], {"k": k})
        return OpCase(op, [x, targets, targets.dtype.type(k)])

    return strategy()


for _op in ("InTopK", "InTopKV2"):
    DRAWS[_op] = _in_top(_op)


@drawn(DRAWS)
def Range(draw):
    start, limit = draw(st.integers(-5, 5)), draw(st.integers(-5, 20))
    step = draw(st.integers(1, 4)) * (1 if limit >= start else -1)
    kind = np.dtype(draw(types("Range", "Tidx")))
    ends = [np.array(v).astype(kind) for v in (start, limit, step)]
    return OpCase("Range", ends, gradient=False)


@drawn(DRAWS)
def LinSpace(draw):
    kind = draw(WIDE)
    ends = kind(draw(st.integers(-5, 5))), kind(draw(st.integers(-5, 5)))
    count = draw(st.sampled_from([1, 2, 3, 9, 100, 1031]))
    return OpCase("LinSpace", [*ends, draw(INDEX)(count)], gradient=False)


def _in_place(op):
    @st.composite
    def strategy(draw):
        x = array(draw, op, least=1, most=3, extent=SOME)
        at = draw(st.permutations(range(x.shape[0])))[: draw(st.integers(1, 3))]
        rows = numbers(draw(SEED), (len(at), *x.shape[1:]), x.dtype)
        return OpCase(op, [x, np.array(at, np.int32), rows])

    return strategy()


for _op in ("InplaceAdd", "InplaceSub", "InplaceUpdate"):
    DRAWS[_op] = _in_place(_op)


@drawn(DRAWS)
def UnravelIndex(draw):
    dims = np.array(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4)), draw(INDEX))
    shape = draw(st.sampled_from([(), (1,), (7,), (40,)]))
    return OpCase("UnravelIndex", [whole(draw(SEED), shape, 0, dims.prod(), dims.dtype), dims])


def _sorted_places(draw, shape, kind):
    """Some index vectors into a shape, each once, in order."""
    count = int(np.prod(shape))
    flat = np.unique(whole(draw(SEED), draw(st.integers(0, 9)), 0, count)) if count else []
    return np.stack(np.unravel_index(np.array(flat, np.int64), shape), -1).astype(kind)


@drawn(DRAWS)
def SparseToDense(draw):
    shape, kind = draw(shapes(1, 3, SOME)), draw(INDEX)
    at = _sorted_places(draw, shape, kind)
    values = numbers(draw(SEED), (len(at),), draw(types("SparseToDense")))
    rest = np.array(1).astype(values.dtype)
    return OpCase("SparseToDense", [at, np.array(shape, kind), values, rest])


@drawn(DRAWS)
def SparseTensorDenseMatMul(draw):
    op, shape = "SparseTensorDenseMatMul", (draw(SOME), draw(SOME))
    at = _sorted_places(draw, shape, draw(INDEX))
    kind, turned = draw(types(op)), [draw(st.booleans()) for _ in range(2)]
    dense = (shape[0] if turned[0] else shape[1], draw(SOME))
    dense = dense[::-1] if turned[1] else dense
    values = numbers(draw(SEED), (len(at),), kind)
    attrs = {"adjoint_a": turned[0], "adjoint_b": turned[1]}
    inputs = [at, values, np.array(shape, np.int64), numbers(draw(SEED), dense, kind)]
    return OpCase(op, inputs, attrs, tolerance=_of_sums(kind))
