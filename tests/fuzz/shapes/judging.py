"""Runs a call eagerly and traced, with all its sizes, and compares."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import penstock as tf
from tests.fuzz.shapes.calls import EXTENT, Call
from tests.fuzz.shapes.sizes import resized, sizes_of

KNOWN = (
    "none",
    "some",
    "rank",
)  # what signatures leave open: all dimensions; those that change; ranks too
# dtype -> what results may differ by, of the largest element: another order of sums, and what follows
CLOSE = {"float16": 2e-2, "bfloat16": 1e-1, "float64": 1e-8, "complex128": 1e-8}


@dataclasses.dataclass(frozen=True)
class Find:
    """A run that differs: an error where eager has none, or other numbers."""

    kind: str
    text: str
    shapes: list[tuple[int, ...]]


def judge(call: Call, seed: int, known: str, number: int = -1) -> tuple[int, list[Find]]:
    """How often the traced call could be compared with the eager one, and what differed."""
    sizes = sizes_of(call.arrays, seed)
    changing = {n for changes in sizes for n in changes}
    specs = [tf.TensorSpec(shape_of(a, known, changing), a_dtype(a)) for a in call.arrays]
    runs: list[list[np.ndarray]] = [[resized(a, c) for a in call.arrays] for c in sizes]
    if number >= 0:
        runs = [[*call.arrays, np.zeros(EXTENT + n, np.float32)] for n in (0, 1, -1, 2, 1)]
        specs = [*[tf.TensorSpec(a.shape, a_dtype(a)) for a in call.arrays], tf.TensorSpec([None])]
    # Ranks and the dtypes of lists are the same in all runs, so that there is one trace.
    traced = tf.function(
        lambda *tensors: call(list(tensors), number), input_signature=specs, autograph=False
    )
    compared, finds = 0, []
    for arrays in runs:
        tensors = [tensor_of(a) for a in arrays]
        shapes = [a.shape for a in arrays]
        try:
            wanted = [t.numpy() for t in call(tensors, number)]
        except Exception:
            continue  # what eager refuses says nothing about shapes
        compared += 1
        try:
            made = [t.numpy() for t in traced(*tensors)]
        except Exception as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())[-300:]}"
            finds.append(Find("error", text, shapes))
            continue
        text = difference(made, wanted)
        if text:
            finds.append(Find("difference", text, shapes))
    return compared, finds


def shape_of(array: np.ndarray, known: str, changing: set[int]) -> list[int | None] | None:
    """The shape that a signature gives for an array."""
    if known == "rank":
        return None
    return [None if known == "none" or n in changing else n for n in array.shape]


def a_dtype(array: np.ndarray) -> Any:
    """The dtype of an array's tensor."""
    return tf.string if array.dtype == object else tf.as_dtype(array.dtype)


def tensor_of(array: np.ndarray) -> Any:
    """A constant of an array."""
    return tf.constant(
        array.tolist() if array.dtype == object else array, a_dtype(array), array.shape
    )


def difference(made: list[Any], wanted: list[Any]) -> str:
    """In what results differ; "" if in nothing."""
    if len(made) != len(wanted):
        return f"{len(made)} results instead of {len(wanted)}"
    for i, (found, right) in enumerate(zip(made, wanted, strict=True)):
        found, right = np.asarray(found), np.asarray(right)
        if found.shape != right.shape or found.dtype != right.dtype:
            return f"result {i}: {found.dtype}{list(found.shape)} instead of {right.dtype}{list(right.shape)}"
        if right.dtype.kind not in "fcV" and right.dtype.name != "bfloat16":
            if not np.array_equal(found, right):
                return f"result {i}: {found.ravel()[:8]} instead of {right.ravel()[:8]}"
            continue
        close = CLOSE.get(right.dtype.name, 1e-3)
        kind = np.complex128 if right.dtype.kind == "c" else np.float64
        found, right = found.astype(kind), right.astype(kind)
        size = max(1.0, float(np.max(np.abs(right), initial=0, where=np.isfinite(right))))
        if not np.allclose(found, right, close, close * size, equal_nan=True):
            return f"result {i}: {found.ravel()[:8]} instead of {right.ravel()[:8]}"
    return ""
