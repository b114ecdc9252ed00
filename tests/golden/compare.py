"""Compares results with recorded ones: kinds, dtypes, shapes, and values within the tolerance of the dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

import penstock as tf
from tests.golden.corpus import FLOATING, Case, array

# dtype -> (relative, absolute): some units in the last place, for kernels that sum in another order.
TOLERANCES = {
    "float16": (4e-3, 2e-3),
    "bfloat16": (3e-2, 2e-2),
    "float32": (2e-5, 4e-6),
    "float64": (1e-10, 1e-11),
    "complex64": (3e-5, 6e-6),
    "complex128": (1e-10, 1e-11),
}
# What a case's `tol` multiplies them by: "loose" where values cancel, "vloose" where an algorithm iterates.
FACTORS = {"auto": 1.0, "loose": 50.0, "vloose": 1000.0}


def check(got: Any, wanted: Case, tolerance: str) -> None:
    """Asserts that a result is what was recorded. Kinds without a rule are objects of which only the class counts."""
    kind = next((kind for kind in RULES if kind in wanted), None)
    if kind is not None:
        RULES[kind](got, wanted, tolerance)
    else:
        assert got is not None


def check_gradient(got: Any, wanted: Case | None, tolerance: str) -> None:
    """Asserts that a gradient is the recorded one; None may be zeros."""
    if wanted is None:
        assert got is None or not np.any(np.asarray(got))
        return
    assert got is not None, "expected a gradient"
    check(tf.convert_to_tensor(got), wanted, "auto" if tolerance == "exact" else tolerance)


def _check_values(got: np.ndarray, wanted: np.ndarray, dtype: str, tolerance: str) -> None:
    assert got.shape == wanted.shape
    if dtype == "string" or dtype not in FLOATING:
        np.testing.assert_array_equal(got, wanted)
        return
    wide = np.complex128 if dtype.startswith("complex") else np.float64
    if dtype not in TOLERANCES or tolerance == "exact":
        np.testing.assert_array_equal(got.astype(wide), wanted.astype(wide))
        return
    relative, absolute = (t * FACTORS[tolerance] for t in TOLERANCES[dtype])
    np.testing.assert_allclose(got.astype(wide), wanted.astype(wide), relative, absolute)


def _python(got: Any, wanted: Case, tolerance: str) -> None:
    expected = wanted["p"]
    if isinstance(expected, float) or isinstance(got, float):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
    else:
        assert got == expected and isinstance(got, bool) == isinstance(expected, bool)


def _tensor(got: Any, wanted: Case, tolerance: str) -> None:
    assert hasattr(got, "numpy"), f"expected a tensor, got a {type(got).__name__}"
    dtype = tf.as_dtype(got.dtype).name
    assert dtype == wanted["t"]
    values = np.asarray(got.numpy(), object if dtype == "string" else None)
    _check_values(values, array(wanted), dtype, tolerance)


def _array(got: Any, wanted: Case, tolerance: str) -> None:
    expected = wanted["n"]
    if expected["t"] != "string":
        assert isinstance(got, (np.ndarray, np.generic))
        assert got.dtype == tf.as_dtype(expected["t"]).as_numpy_dtype
    values = np.asarray(got, object if expected["t"] == "string" else None)
    _check_values(values, array(expected), expected["t"], tolerance)


def _sequence(got: Any, wanted: Case, tolerance: str) -> None:
    assert isinstance(got, (list, tuple)) and len(got) == len(wanted["l"])
    for item, expected in zip(got, wanted["l"], strict=True):
        check(item, expected, tolerance)


def _dictionary(got: Any, wanted: Case, tolerance: str) -> None:
    by_name = {str(key): value for key, value in got.items()}
    assert sorted(by_name) == sorted(wanted["d"])
    for name, expected in wanted["d"].items():
        check(by_name[name], expected, tolerance)


def _sparse(got: Any, wanted: Case, tolerance: str) -> None:
    for part, expected in zip(("indices", "values", "dense_shape"), wanted["sp"], strict=True):
        check(getattr(got, part), expected, tolerance)


def _ragged(got: Any, wanted: Case, tolerance: str) -> None:
    values, splits = wanted["rt"]
    check(got.flat_values, values, tolerance)
    assert len(got.nested_row_splits) == len(splits)
    for split, expected in zip(got.nested_row_splits, splits, strict=True):
        check(split, expected, tolerance)


def _slices(got: Any, wanted: Case, tolerance: str) -> None:
    for part, expected in zip(("values", "indices"), wanted["isl"], strict=True):
        check(getattr(got, part), expected, tolerance)


def _shape(got: Any, wanted: Case, tolerance: str) -> None:
    assert (None if got.rank is None else got.as_list()) == wanted["sh"]


def _dtype(got: Any, wanted: Case, tolerance: str) -> None:
    assert tf.as_dtype(got).name == wanted["dt"]


def _bytes(got: Any, wanted: Case, tolerance: str) -> None:
    assert got == wanted["b"].encode("latin1")


def _spec(got: Any, wanted: Case, tolerance: str) -> None:
    shape = got.shape.as_list() if got.shape.rank is not None else None
    assert [shape, got.dtype.name] == list(wanted["spec"])


RULES = {
    "p": _python,
    "t": _tensor,
    "n": _array,
    "l": _sequence,
    "d": _dictionary,
    "sp": _sparse,
    "rt": _ragged,
    "isl": _slices,
    "sh": _shape,
    "dt": _dtype,
    "b": _bytes,
    "spec": _spec,
}
