"""The static shapes that graphs give the results of recorded calls, beside the shapes of results, and beside TensorFlow's.

python -m tests.fuzz.shapes.static TARGET [PART]   writes what this process's library gives, as JSON: {call: {level: shapes}}
python -m tests.fuzz.shapes.static --compare [PART]   compares with TensorFlow, of the Python that TENSORFLOW_PYTHON names
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "TENSORFLOW_PYTHON"
ROOT = Path(__file__).parents[3]
if __name__ == "__main__" and os.environ.get("PEER"):
    import tensorflow

    sys.modules["penstock"] = tensorflow

import penstock as tf  # noqa: E402
from tests.fuzz.shapes.calls import Call, conformance_calls, golden_calls  # noqa: E402
from tests.fuzz.shapes.judging import a_dtype, tensor_of  # noqa: E402

Dims = list[int | None] | None
# TensorFlow takes these for single images where it does not know the rank, too.
AS_TENSORFLOW = ("image.crop_to_bounding_box/",)
# What signatures tell of arrays.
LEVELS = ("whole", "all but first", "all but last", "ranks", "nothing")


def shape_at(array: np.ndarray, level: str) -> Dims:
    """The shape that a signature gives for an array."""
    known = list(array.shape)
    if level == "nothing":
        return None
    if level == "ranks":
        return [None] * array.ndim
    if level == "all but first":
        return [None, *known[1:]] if known else []
    return [*known[:-1], None] if level == "all but last" and known else known


def dims_of(shape: Any) -> Dims:
    """A shape as lists are."""
    return None if shape.rank is None else shape.as_list()


def static_shapes(call: Call, level: str) -> list[Dims] | str:
    """The shapes that a graph gives the call's results, or the error of the trace."""
    specs = [tf.TensorSpec(shape_at(a, level), a_dtype(a)) for a in call.arrays]
    found: list[Dims] = []

    def traced(*tensors: Any) -> list[Any]:
        results = call(list(tensors))
        found[:] = [dims_of(t.shape) for t in results]
        return results

    try:
        tf.function(traced, input_signature=specs, autograph=False).get_concrete_function()
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[-300:]}"
    return found


def actual_shapes(call: Call) -> list[Dims] | str:
    """The shapes of the results of an eager call, or its error."""
    try:
        return [dims_of(t.shape) for t in call([tensor_of(a) for a in call.arrays])]
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[-300:]}"


def is_compatible(said: Dims, actual: Dims) -> bool:
    """Whether a static shape admits a shape."""
    if said is None or actual is None:
        return True
    return len(said) == len(actual) and all(
        None in (a, b) or a == b for a, b in zip(said, actual, strict=True)
    )


def is_vaguer(said: Dims, other: Dims) -> bool:
    """Whether a shape leaves open what the other knows."""
    if said is None or other is None:
        return said is None and other is not None
    return any(a is None and b is not None for a, b in zip(said, other))


def contradictions(call: Call, levels: tuple[str, ...] = LEVELS) -> Iterator[str]:
    """What static shapes say that results deny, level by level."""
    actual = actual_shapes(call)
    if isinstance(actual, str) or call.name.startswith(AS_TENSORFLOW):
        return
    for level in levels:
        said = static_shapes(call, level)
        if not isinstance(said, str) and not all(map(is_compatible, said, actual)):
            yield f"{call.name} ({level}): static shapes {said}, results {actual}"


def every_call(part: str) -> Iterator[Call]:
    """All recorded calls whose names have a part."""
    return (c for c in itertools.chain(golden_calls(), conformance_calls()) if part in c.name)


def write(target: str, part: str = "") -> None:
    """Writes all shapes of all calls."""
    found = {}
    for call in every_call(part):
        found[call.name] = {"actual": actual_shapes(call)}
        found[call.name] |= {level: static_shapes(call, level) for level in LEVELS}
    Path(target).write_text(json.dumps(found))


def run(python: str, part: str, **environment: str) -> dict[str, dict[str, Any]]:
    """What a Python's library gives."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "shapes.json")
        command = [python, "-m", "tests.fuzz.shapes.static", str(target), part]
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run(command, env={**variables, **environment}, cwd=ROOT, check=True)
        return json.loads(target.read_text())


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Sentences on a call: wrong static shapes, those that are vaguer than TensorFlow's, and traces that only TensorFlow makes."""
    for level in LEVELS:
        said, wanted = ours[level], theirs[level]
        if isinstance(wanted, str):
            continue
        if isinstance(said, str):
            yield f"({level}) refused: {said}; TensorFlow gives {wanted}"
            continue
        actual = ours["actual"]
        if not isinstance(actual, str) and not all(map(is_compatible, said, actual)):
            yield f"({level}) wrong: {said}, results {actual}"
        if any(map(is_vaguer, said, wanted)):
            yield f"({level}) vaguer: {said}, TensorFlow {wanted}, results {actual}"
        if not all(map(is_compatible, said, wanted)):
            yield f"({level}) other: {said}, TensorFlow {wanted}, results {actual}"


def compare(part: str = "") -> int:
    """Prints all differences from TensorFlow; 1 if there are any."""
    ours = run(sys.executable, part)
    theirs = run(os.environ[VARIABLE], part, PEER="1", CUDA_VISIBLE_DEVICES="")
    count = 0
    for name in ours:
        for text in differences(ours[name], theirs[name]):
            print(name, text, flush=True)
            count += 1
    print(f"{len(ours)} calls, {count} differences")
    return bool(count)


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        sys.exit(compare(*sys.argv[2:]))
    write(*sys.argv[1:])
