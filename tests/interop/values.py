"""What a reader found, as JSON that either environment writes, and the places where two of them differ."""

from typing import Any

import numpy as np

TOLERANCE = 1e-5  # relative to the largest number: float32 sums in another order


def plain(value: Any) -> Any:
    """Tensors, arrays and Python values as JSON."""
    if isinstance(value, dict):
        return {"dict": sorted((str(key), plain(each)) for key, each in value.items())}
    if isinstance(value, (list, tuple)):
        return {"list": [plain(each) for each in value]}
    if value is None or isinstance(value, (bool, str)):
        return value
    if hasattr(value, "dense_shape"):
        return plain([value.indices, value.values, value.dense_shape])
    if hasattr(value, "row_splits"):
        return plain([value.flat_values, *value.nested_row_splits])
    if hasattr(value, "numpy"):
        value = value.numpy()
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        cells = [cell if isinstance(cell, str) else cell.decode("latin-1") for cell in array.flat]
        return {"dtype": "string", "shape": list(array.shape), "cells": cells}
    dtype = array.dtype.name
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], -1)
    elif array.dtype.kind not in "biuf":  # bfloat16 and float8
        array = array.astype(np.float32)
    return {"dtype": dtype, "shape": list(array.shape), "cells": array.ravel().tolist()}


def differences(found: Any, expected: Any, place: str = "") -> list[str]:
    """A line for each place in which two values are not equal."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        for kind in ("dict", "list"):
            if kind in found:
                return _of_parts(found[kind], expected[kind], kind, place)
        if _cells_agree(found, expected):
            return []
    elif type(found) is type(expected) and found == expected:
        return []
    return [f"{place or 'value'}: {_short(found)} instead of {_short(expected)}"]


def _of_parts(found: list[Any], expected: list[Any], kind: str, place: str) -> list[str]:
    if kind == "dict":
        names, wanted = [name for name, _ in found], [name for name, _ in expected]
        found, expected = [part for _, part in found], [part for _, part in expected]
    else:
        names, wanted = list(range(len(found))), list(range(len(expected)))
    if names != wanted:
        return [f"{place or 'value'}: has {names} instead of {wanted}"]
    parts = zip(names, found, expected, strict=True)
    return [line for name, a, b in parts for line in differences(a, b, f"{place}[{name!r}]")]


def _cells_agree(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    if found["dtype"] != expected["dtype"] or found["shape"] != expected["shape"]:
        return False
    if not found["dtype"].startswith(("float", "bfloat", "complex")):
        return bool(found["cells"] == expected["cells"])
    numbers, wanted = np.array(found["cells"]), np.array(expected["cells"])
    finite = np.abs(wanted[np.isfinite(wanted)])
    allowed = TOLERANCE * (finite.max() if finite.size else 0.0)
    return np.allclose(numbers, wanted, rtol=0.0, atol=allowed, equal_nan=True)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 300 else text[:300] + "..."
