"""Runs a call eagerly and traced, with all its sizes, and compares."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
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
PASSES, LEAK = (
    5,
    1 << 16,
)  # in each of so many times that all shapes come again, memory grew by so many bytes
CLOSE = {"float16": 2e-2, "bfloat16": 1e-1, "float64": 1e-8, "complex128": 1e-8}


@dataclasses.dataclass(frozen=True)
class Find:
    """A run that differs: an error where eager has none, other numbers, or memory that grows."""

    kind: str
    text: str
    shapes: list[tuple[int, ...]]


def judge(
    call: Call, seed: int, known: str, number: int = -1, count: int = 5, watches: bool = False
) -> tuple[int, list[Find]]:
    """How often the traced call could be compared with the eager one, and what differed.

    Args:
      call: what is called.
      seed: draws the shapes.
      known: one of KNOWN.
      number: the position of the number that comes from an extent, or -1.
      count: of shapes.
      watches: whether memory is looked at, too.
    """
    sizes = sizes_of(call.arrays, seed, count) if call.has_free_sizes else [{}]
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
            text = f"{type(error).__name__}: {' '.join(str(error).split())[-600:]}"
            finds.append(Find("error", text, shapes))
            continue
        text = difference(made, wanted)
        if text:
            finds.append(Find("difference", text, shapes))
    if watches and compared and not finds:
        grown = growth(traced, runs)
        if grown > LEAK:
            text = f"{grown} bytes in each of {PASSES} passes over all shapes"
            finds.append(Find("memory", text, []))
    return compared, finds


def growth(function: Callable[..., Any], runs: list[list[np.ndarray]]) -> int:
    """By how many bytes the process grew at least, in any of some passes over calls that it has made before."""
    least = 1 << 60
    for _ in range(PASSES):
        before = resident()
        for arrays in runs:
            try:
                function(*map(tensor_of, arrays))
            except Exception:
                continue  # what eager refuses, too
        least = min(least, resident() - before)
        if least <= LEAK:
            break
    return least


def resident() -> int:
    """The bytes of this process that are in memory; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


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
