"""Call and Plan: the question to a rule, and its answer."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.eager.execute import run as run_eagerly
from penstock._src.graph.static_values import get_static_value

# For each axis the mesh dimension along which it is divided, or UNSHARDED.
Specs = tuple[str, ...]
# The static shape of a whole tensor; None: its rank is not known.
Shape = tuple[int | None, ...] | None


@dataclasses.dataclass(frozen=True)
class Call:
    """An op on whole tensors, as far as it is known before it runs.

    tensors     its inputs in a graph of whole tensors, for their static values
    shapes      of the inputs; of a variable's handle that of the variable
    specs       how the inputs are divided
    out_shapes  of the results
    specs_of    gives the specs of any tensor of that graph
    """

    op: Op
    tensors: Sequence[Any]
    shapes: Sequence[Shape]
    specs: Sequence[Specs]
    out_shapes: Sequence[Shape]
    mesh: Mesh
    specs_of: Callable[[Any], Specs | None] = lambda tensor: None

    def value(self, position: int) -> np.ndarray | None:
        """The static value of an input, or None."""
        return get_static_value(self.tensors[position])

    def count(self, spec: str) -> int:
        """The number of parts into which an axis is divided."""
        return 1 if spec == UNSHARDED else self.mesh[spec].size

    def divides(self, spec: str, extent: int | None) -> bool:
        """True if an axis of this extent divides evenly along a mesh dimension. An unknown extent is assumed to."""
        return extent is None or (extent != 1 and extent % self.count(spec) == 0)

    def usable(self, specs: Sequence[str], shape: Shape) -> Specs:
        """Drops mesh dimensions that are repeated or do not divide their axis."""
        seen: set[str] = set()
        kept = []
        for spec, extent in zip(specs, shape or (), strict=True):
            good = spec != UNSHARDED and spec not in seen and self.divides(spec, extent)
            kept.append(spec if good else UNSHARDED)
            seen.add(spec)
        return tuple(kept)


@dataclasses.dataclass(frozen=True)
class Plan:
    """Execution of an op on shards.

    inputs   the specs in which it takes its inputs
    outputs  the specs of its results
    sums     mesh dimensions over which every result has still to be combined by `merge`
    run      the computation on the shards, (call, tensors) -> tensors; None: the op itself
    shapes   of the results as whole tensors, where they are not those of the op
    is_by_rule  False: no rule says it, so inputs are made whole
    """

    inputs: tuple[Specs, ...]
    outputs: tuple[Specs, ...]
    sums: tuple[str, ...] = ()
    merge: str = "Add"
    run: Callable[[Call, list[Any]], list[Any]] | None = None
    shapes: Sequence[Shape] | None = None
    is_by_rule: bool = True


Rule = Callable[[Call], Plan | None]


def whole(rank: int) -> Specs:
    """The specs of a tensor that every process holds whole."""
    return (UNSHARDED,) * rank


def rank_of(shape: Shape) -> int:
    """The rank of a shape; 0 if it is not known: such a tensor is never divided."""
    return 0 if shape is None else len(shape)


def all_whole(shapes: Sequence[Shape]) -> tuple[Specs, ...]:
    """The specs of tensors that every process holds whole."""
    return tuple(whole(rank_of(shape)) for shape in shapes)


def local_sizes(sizes: Any, specs: Specs, call: Call, position: int) -> Any:
    """Returns the vector of a shard's sizes from that of the whole tensor, the call's input at `position`; -1 stays."""
    counts = np.array([call.count(spec) for spec in specs])
    if (counts == 1).all():
        return sizes
    dtype = sizes.dtype
    known = call.value(position)
    if known is not None:
        return convert_to_tensor(np.where(known < 0, known, known // counts).astype(dtype.np))
    divided = raw.FloorDiv(x=sizes, y=counts.astype(dtype.np))
    unknown = raw.Less(x=sizes, y=np.zeros(1, dtype.np))
    return raw.SelectV2(condition=unknown, t=sizes, e=divided)


def run_op(op: Op, tensors: Sequence[Any]) -> list[Any]:
    """Runs an op on tensors of this process, or adds it to the graph that is being built."""
    if STATE.graph is None:
        return run_eagerly(op, list(tensors))
    return STATE.graph.add(op, [STATE.graph.local(t) for t in tensors]).outputs
