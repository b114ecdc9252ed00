"""Calls of ops that read and change variables: assignments, scatters and the steps of optimizers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from penstock._src.core import registry
from tests.conformance.draws.slices import strided_slices
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

DRAWS = {}


@dataclass
class StateCase:
    """A call of an op that reads or changes variables, its first inputs, or has no outputs.

    Args:
      op: its name.
      variables: the arrays that they hold before.
      inputs: the arrays of the other inputs.
      attrs: its attributes.
    """

    op: str
    variables: Sequence[Any] = ()
    inputs: Sequence[Any] = ()
    attrs: dict[str, Any] = field(default_factory=dict)
    tolerance: tuple[float, float] | None = None


@st.composite
def _assignment(draw, op):
    x = numbers(draw(SEED), draw(shapes()), draw(WIDE))
    return StateCase(op, [x], [numbers(draw(SEED), x.shape, x.dtype)])


for _op in ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"):
    DRAWS[_op] = _assignment(_op)


def _held(draw, dtype=None, **limits):
    return numbers(draw(SEED), draw(shapes(**limits)), draw(WIDE if dtype is None else dtype))


@drawn(DRAWS)
def ReadVariableOp(draw):
    x = _held(draw)
    return StateCase("ReadVariableOp", [x], attrs={"dtype": x.dtype.name})


@drawn(DRAWS)
def VariableShape(draw):
    return StateCase("VariableShape", [_held(draw)], attrs={"out_type": draw(INDEX).__name__})


@drawn(DRAWS)
def ResourceGather(draw):
    batch = draw(st.integers(0, 1))
    x = _held(draw, types("GatherV2", "Tparams"), least=1 + batch, extent=SOME)
    at = whole(
        draw(SEED), (*x.shape[:batch], *draw(shapes(most=2))), 0, x.shape[batch], draw(INDEX)
    )
    return StateCase("ResourceGather", [x], [at], {"dtype": x.dtype.name, "batch_dims": batch})


@st.composite
def _scatter(draw, op):
    x = _held(draw, types(op, "dtype"), least=1, most=3, extent=SOME)
    shape = draw(shapes(most=2, extent=st.sampled_from([0, 1, 2, 3])))
    at = whole(draw(SEED), shape, 0, x.shape[0], draw(INDEX))
    one = draw(st.booleans())  # a scalar goes to every row
    if op.endswith("Update"):
        at = np.unique(at)
        one = False
    updates = numbers(draw(SEED), () if one else (*at.shape, *x.shape[1:]), x.dtype, 1, 3)
    return StateCase(op, [x], [at, updates])


for _op in "Add Div Max Min Mul Sub Update".split():
    DRAWS[f"ResourceScatter{_op}"] = _scatter(f"ResourceScatter{_op}")


@st.composite
def _scatter_nd(draw, op):
    x = _held(draw, types(op, without="bool"), least=1, most=3, extent=SOME)
    depth, count = draw(st.integers(1, x.ndim)), draw(st.integers(0, 7))
    at = np.stack([whole(draw(SEED), count, 0, n, draw(INDEX)) for n in x.shape[:depth]], -1)
    at = at.astype(np.int32)
    if op.endswith("Update"):
        at = np.unique(at, axis=0)
    return StateCase(op, [x], [at, numbers(draw(SEED), (len(at), *x.shape[depth:]), x.dtype)])


for _op in "Add Sub Update Max Min".split():
    DRAWS[f"ResourceScatterNd{_op}"] = _scatter_nd(f"ResourceScatterNd{_op}")


@drawn(DRAWS)
def ResourceStridedSliceAssign(draw):
    x, (begin, end, strides), masks, part = draw(strided_slices())
    return StateCase("ResourceStridedSliceAssign", [x], [begin, end, strides, part], masks)


@drawn(DRAWS)
def RngReadAndSkip(draw):
    state = np.random.default_rng(draw(SEED)).integers(-(2**63), 2**63, 3)
    return StateCase(
        "RngReadAndSkip", [state], [np.int32(1), np.uint64(draw(st.integers(0, 2**40)))]
    )


# Ranges of what update rules take besides variables and gradients, by name.
_BETWEEN = {
    **dict.fromkeys("lr alpha rho momentum".split(), (0.05, 0.9)),
    **dict.fromkeys(
        "beta beta1 beta2 beta1_power beta2_power sign_decay logbase".split(), (0.1, 0.9)
    ),
    **dict.fromkeys("epsilon l1 l2 l2_shrinkage".split(), (0.01, 0.2)),
    "lr_power": (-0.7, -0.5),
}
# Slots that hold sums of squares, or what is compared with roots of them.
_POSITIVE = set("accum accum_update v vhat ms gradient_squared_accumulator".split())
_STEPS = (
    "AdaMax Adadelta Adagrad AdagradDA AdagradV2 Adam AdamWithAmsgrad AddSign CenteredRMSProp Ftrl FtrlV2 "
    "GradientDescent KerasMomentum Momentum PowerSign ProximalAdagrad ProximalGradientDescent RMSProp"
)


@st.composite
def _step(draw, op):
    """A step of an optimizer; of the sparse ones, for some rows, which may come twice."""
    cls, kind, shape = registry.find(op), draw(types(op)), draw(shapes(least=1, extent=SOME))
    at = whole(draw(SEED), draw(st.integers(0, 5)), 0, shape[0], draw(INDEX))
    rows = (len(at), *shape[1:]) if "Sparse" in op else shape
    variables, inputs = [], []
    for argument in cls.inputs:
        name = argument.name
        if argument.dtype is not None and name != "global_step":
            # The mean of squares is not below the square of the mean.
            low = 2 if name == "ms" and "Centered" in op else 0.7 if name in _POSITIVE else -2
            variables.append(numbers(draw(SEED), shape, kind, low, low + 2))
        elif name == "global_step":
            inputs.append(np.int64(draw(st.integers(1, 9))))
        elif name == "indices":
            inputs.append(at)
        elif name in ("grad", "delta"):
            inputs.append(numbers(draw(SEED), rows, kind))
        else:
            inputs.append(numbers(draw(SEED), (), kind, *_BETWEEN[name]))
    flags = {
        name: draw(st.booleans())
        for name in ("use_nesterov", "update_slots", "multiply_linear_by_lr")
        if name in cls.attributes
    }
    tolerance = {2: (6e-2, 2e-1), 4: (1e-4, 1e-5)}.get(np.dtype(kind).itemsize)
    return StateCase(op, variables, inputs, flags, tolerance)


_SPARSE_STEPS = (
    "Adadelta Adagrad AdagradDA AdagradV2 CenteredRMSProp Ftrl FtrlV2 KerasMomentum Momentum ProximalAdagrad "
    "ProximalGradientDescent RMSProp"
)
for _op in _STEPS.split():
    DRAWS[f"ResourceApply{_op}"] = _step(f"ResourceApply{_op}")
for _op in _SPARSE_STEPS.split():
    DRAWS[f"ResourceSparseApply{_op}"] = _step(f"ResourceSparseApply{_op}")
