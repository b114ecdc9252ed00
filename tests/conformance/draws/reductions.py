"""Calls of reductions, of cumulative ops and of searches along axes."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.values import (
    INDEX,
    SEED,
    SOME,
    arrays,
    axes_of,
    drawn,
    numbers,
    shapes,
    types,
)
from tests.harness.op_case import OpCase

DRAWS = {}


def slack(kind):
    """How far sums of some thousand numbers differ by their order; of products alike."""
    return {"float16": (2e-2, 2e-1), "bfloat16": (6e-2, 6e-1), "float32": (1e-4, 1e-4), "complex64": (1e-4, 1e-4)}.get(
        np.dtype(kind).name
    )  # fmt: skip


@st.composite
def _reduction(draw, op, extent=None):
    shape = draw(shapes() if extent is None else shapes(extent=extent))
    kind = draw(st.just(np.bool_) if op in ("All", "Any") else types(op))
    axes = draw(axes_of(len(shape)))
    if draw(st.integers(0, 5)) == 0 and shape:
        axes = axes.dtype.type(draw(st.integers(-len(shape), len(shape) - 1)))
    attrs = {"keep_dims": draw(st.booleans())}
    return OpCase(op, [numbers(draw(SEED), shape, kind), axes], attrs, tolerance=slack(kind))


for _op in "Sum Max Min Mean EuclideanNorm All Any".split():
    DRAWS[_op] = _reduction(_op, SOME if _op in ("Mean", "EuclideanNorm") else None)
DRAWS["Prod"] = _reduction("Prod", st.sampled_from([0, 1, 2, 3]))


@st.composite
def _along(draw, op, **choices):
    """Of an op along one axis, with attributes that are chosen."""
    shape = draw(shapes(1, 3, SOME))
    axis = draw(INDEX)(draw(st.integers(-len(shape), len(shape) - 1)))
    kind = np.dtype(draw(types(op)))
    if "prod" in op and max(shape) > 40:
        shape = (17,) * len(shape)
    x = numbers(draw(SEED), shape, kind, 0.5, 1.5)
    attrs = {name: draw(values) for name, values in choices.items()}
    # TensorFlow's gradient of complex products is not conjugated.
    differs = False if op == "Cumprod" and kind.kind == "c" else None
    if op == "CumulativeLogsumexp" and attrs["exclusive"]:
        differs = False  # it begins with the logarithm of 0
    return OpCase(op, [x, axis], attrs, gradient=differs, tolerance=slack(kind))


for _op in "Cumsum Cumprod CumulativeLogsumexp".split():
    DRAWS[_op] = _along(_op, exclusive=st.booleans(), reverse=st.booleans())
for _op in "ArgMax ArgMin".split():
    DRAWS[_op] = _along(_op, output_type=st.sampled_from(["int32", "int64"]))


@drawn(DRAWS)
def L2Loss(draw):
    x = draw(arrays(types("L2Loss")))
    return OpCase("L2Loss", [x], tolerance=slack(x.dtype))
