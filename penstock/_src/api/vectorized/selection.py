"""Rules of selection, shapes, and assertions."""

from penstock._src.api.vectorized.rules import Value, rule
from penstock._src.api.vectorized.step import Step
from penstock._src.core.registry import raw


@rule("Select")
def select(step: Step) -> list:
    """A condition with one axis selects whole slices of rows."""
    rank = step.rank(1)
    condition = step.values[0].tensor
    for _ in range(rank - step.rank(0) if step.rank(0) else 0):
        condition = raw.ExpandDims(input=condition, axis=-1)
    if step.is_stacked(0) and not step.rank(0):
        condition = step.aligned(0, rank)
    return step.other("SelectV2", condition, step.aligned(1, rank), step.aligned(2, rank))


@rule("Shape")
def shape(step: Step) -> list:
    """The shape of a row, the same for all."""
    extents = raw.Shape(input=step.values[0].tensor, out_type=step.op.out_type)
    return [Value(raw.Slice(input=extents, begin=[1], size=[-1]), False)]


@rule("ShapeN")
def shapes(step: Step) -> list:
    """The shapes of rows."""
    vectors = []
    for value in step.values:
        vector = raw.Shape(input=value.tensor, out_type=step.op.out_type)
        if value.stacked:
            vector = raw.Slice(input=vector, begin=[1], size=[-1])
        vectors.append(Value(vector, False))
    return vectors


@rule("Size")
def size(step: Step) -> list:
    """The number of elements of a row."""
    vector = raw.Shape(input=step.values[0].tensor, out_type=step.op.out_type)
    return [Value(raw.Prod(input=raw.Slice(input=vector, begin=[1], size=[-1]), axis=0), False)]


@rule("Rank")
def rank(step: Step) -> list:
    """The rank of a row."""
    return [Value(raw.Sub(x=raw.Rank(input=step.values[0].tensor), y=1), False)]


@rule("Assert")
def check(step: Step) -> list:
    """The condition must hold for all rows."""
    condition = step.values[0].tensor
    if step.is_stacked(0):
        condition = raw.All(input=condition, axis=0)
    return step.run(condition, [value.tensor for value in step.values[1:]])


@rule("EnsureShape")
def ensure_shape(step: Step) -> list:
    """Any number of rows, each with the shape."""
    wanted = step.op.attrs["shape"]
    return step.run(step.whole(0), shape=[None, *wanted] if wanted.rank is not None else wanted)
