"""Ops with classes that describe the treatment of each input: `Op.vectorize`, one word per argument, or `Op.elements`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.vectorized.step import Step
from penstock._src.core.op import group_arguments
from penstock._src.core.registry import raw


def by_words(step: Step) -> list[Any]:
    """Runs the op on inputs transformed as its words say; an attribute `axis` is shifted by the axis of rows."""
    op, words = step.op, step.op.vectorize.split(", ")
    grouped = group_arguments(op.inputs, op, range(len(step.values)))
    inputs = [
        [WORDS[word](step, i) for i in at] if isinstance(at, list) else WORDS[word](step, at)
        for word, at in zip(words, grouped, strict=True)
    ]
    attrs = {"axis": int(step.axis(op.attrs["axis"]))} if "axis" in op.attributes else {}
    outputs = step.run(*inputs, **attrs)
    if "examples" not in words:
        return outputs
    return [step.parted(t, position) for position, t in enumerate(outputs)]


def elementwise(step: Step) -> list[Any]:
    """Rows broadcast: axes of size 1 are inserted after the axis of rows of lower-rank inputs."""
    inputs = range(len(step.values))
    if len(inputs) == 1:
        return step.run_flat([step.values[0].tensor])
    rank = step.highest_rank()
    return step.run_flat([step.aligned(i, rank) for i in inputs])


def _axis(step: Step, index: int) -> Any:
    return step.axis(step.static(index))


def _shape(step: Step, index: int) -> Any:
    return step.prefixed(step.common(index))


def _multiples(step: Step, index: int) -> Any:
    return step.prefixed(step.common(index), 1)


def _paddings(step: Step, index: int) -> Any:
    paddings = step.static(index)
    return np.concatenate([np.zeros((1, 2), paddings.dtype), paddings])


def _indices(step: Step, index: int) -> Any:
    return numbered(step, step.whole(index))


def _examples(step: Step, index: int) -> Any:
    return step.merged(step.whole(index))


def _batch(step: Step, index: int) -> Any:
    sizes = step.common(index)
    first = raw.Mul(x=sizes[:1], y=step.count)
    return raw.ConcatV2(values=[first, sizes[1:]], axis=0)


WORDS: dict[str, Callable[[Step, int], Any]] = {
    "rows": lambda step, index: step.whole(index),  # one for each row; common inputs are broadcast
    "shared": Step.common,  # the same for all rows, else the op runs row by row
    "axis": _axis,  # static axes of a row; shifted by one for the stack
    "shape": _shape,  # a shape, with the number of rows in front
    "multiples": _multiples,  # repetitions of each axis; 1 for the axis of rows
    "paddings": _paddings,  # static; no padding for the axis of rows
    "indices": _indices,  # index vectors, prefixed by their row number
    "examples": _examples,  # the batches of all rows merged into one; results are split again
    "batch": _batch,  # the shape of such a batch
}


def numbered(step: Step, places: Any) -> Any:
    """Returns stacked index vectors, each prefixed by its row number."""
    sizes = raw.Shape(input=places)
    rows = raw.Range(start=0, limit=step.count, delta=1)
    rows = raw.Cast(x=rows, DstT=places.dtype)
    ones = raw.ZerosLike(x=sizes[1:]) + 1
    rows = raw.Reshape(tensor=rows, shape=raw.ConcatV2(values=[[-1], ones], axis=0))
    wide = raw.ConcatV2(values=[sizes[:-1], [1]], axis=0)
    return raw.ConcatV2(values=[raw.BroadcastTo(input=rows, shape=wide), places], axis=-1)
