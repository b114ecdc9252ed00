"""Writes a model in the other formats, reads each file back and runs it: the results are those of the model."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from penstock._src.aot.build import BuildOptions, build
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats import table

from . import comparing
from .entry import Entry

# The formats, and the names of what is written.
FORMATS = {
    "saved-model": "model",
    "onnx": "model.onnx",
    "tflite": "model.tflite",
    "tfjs": "model",
    "graph-def": "model.pb",
}
BUILT = "built"
COLUMNS = (*FORMATS, BUILT)


def outcomes(entry: Entry, path: Path) -> dict[str, comparing.Outcome]:
    """Returns what came of a model in each format, and of building a library.

    The state "refused" is of what a format does not hold, "fails" of anything else that is raised.

    Args:
      entry: its row.
      path: of its file or folder.
    """
    function, order = comparing.read(path)
    given = comparing.inputs(entry, function)
    expected = comparing.caller(function, given, order)()
    named = dict(zip(function.argument_names, given, strict=True))
    found = {}
    for name, file in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, file)
            found[name] = _tried(lambda t=target, n=name: _converted(path, t, n, named, expected))
    found[BUILT] = _tried(lambda: _built(function, given))
    return found


def _tried(work) -> comparing.Outcome:
    try:
        difference = work()
    except UnimplementedError as error:
        return comparing.Outcome("refused", str(error).splitlines()[0])
    except Exception as error:  # whatever it is, it is the cell's result
        return comparing.Outcome("fails", f"{type(error).__name__}: {error}".splitlines()[0])
    state = "equal" if difference <= comparing.CONVERTED else "differs"
    return comparing.Outcome(state, f"{difference:.1e}")


def _converted(
    path: Path,
    target: Path,
    name: str,
    given: Mapping[str, np.ndarray],
    expected: Sequence[np.ndarray],
) -> float:
    """The greatest difference of a converted model's results; names of outputs may differ, so their order does not count."""
    table.convert(str(path), str(target), name)
    function, _ = comparing.read(target)
    results = comparing.caller(function, _in_order(function, given), None)()
    return comparing.difference(_sorted(results), _sorted(expected))


def _in_order(function, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The arrays for a function's inputs: by name, or where a format names them anew, by type and shape in the old order."""
    if set(function.argument_names) == set(given):
        return [given[name] for name in function.argument_names]
    left, chosen = list(given.values()), []
    for x in function.inputs[: len(function.argument_names)]:
        dtype = np.dtype(x.dtype.as_numpy_dtype)
        fitting = [
            i
            for i, array in enumerate(left)
            if (array.dtype == dtype or (array.dtype.kind in "US" and dtype.kind == "O"))
            and x.shape.is_compatible_with(array.shape)
        ]
        chosen.append(left.pop(fitting[0]))
    return chosen


def _sorted(results: Sequence[np.ndarray]) -> list[np.ndarray]:
    def key(x: np.ndarray):
        is_number = x.size and x.dtype.kind in "fiub"
        return str(x.dtype), x.shape, float(x.astype(np.float64).mean()) if is_number else 0.0

    return sorted(results, key=key)


def _built(function, given: Sequence[np.ndarray]) -> float:
    """Builds a library for the shapes of these arrays; its results are tested with the builder."""
    shapes = {name: tuple(x.shape) for name, x in zip(function.argument_names, given, strict=True)}
    build({"serving_default": function}, "model", BuildOptions(shapes=shapes))
    return 0.0
