"""Assertions about values: arrays, tensors, ragged tensors and structures of them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from absl.testing import absltest

from penstock._src.api.array.shaping import is_tensor
from penstock._src.api.python_function import numpy_function
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.core import dtypes
from penstock._src.core.convert import is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor

# An array of more elements and dimensions than these is not shown when shapes differ.
_SHOWN_SIZE, _SHOWN_RANK = 500, 3
# NumPy does not promote these types: they are compared as float32.
_NARROW = frozenset(d.name for d in dtypes.TYPES.values() if d.is_floating and d.np.isbuiltin != 1)


def checked_when_run(assertion: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an assertion that is called in a function being traced an operation of the function."""

    @functools.wraps(assertion)
    def check(*args: Any, **kwargs: Any) -> Any:
        if STATE.graph is None or not STATE.graph.building_function:
            return assertion(*args, **kwargs)
        places = [place for place, value in enumerate(args) if is_tensor_like(value)]

        def check_values(*values: Any) -> None:
            filled = list(args)
            for place, value in zip(places, values, strict=True):
                filled[place] = value
            assertion(*filled, **kwargs)

        return numpy_function(check_values, [args[place] for place in places], [])

    return check


class ValueAssertions(absltest.TestCase):
    """absl's test case with assertions about values. `evaluate` of a subclass gives those of tensors."""

    def evaluate(self, tensors: Any) -> Any:
        """Returns the values of a structure of tensors.

        Args:
          tensors: a structure of tensors.

        Returns:
          The structure, with NumPy arrays in place of tensors.
        """
        raise NotImplementedError

    def evaluate_if_both_tensors(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Returns the values of two tensors of one graph, computed together; other pairs unchanged.

        Args:
          a, b: any objects.

        Returns:
          A pair.
        """
        if all(is_tensor(x) and not isinstance(x, EagerTensor) for x in (a, b)):
            return self.evaluate((a, b))
        return a, b

    def _GetNdArray(self, a: Any) -> Any:
        if is_tensor(a):
            a = a.numpy() if isinstance(a, EagerTensor) else self.evaluate(a)
        if isinstance(a, np.ndarray):
            return a
        try:
            return np.array(a)
        except ValueError as error:
            if "inhomogeneous shape" not in str(error):
                raise
            return np.array(a, dtype=object)

    def _arrays(self, a: Any, b: Any) -> tuple[Any, Any]:
        a, b = self.evaluate_if_both_tensors(a, b)
        return self._GetNdArray(a), self._GetNdArray(b)

    @checked_when_run
    def assertNear(self, f1, f2, err, msg=None):
        """Fails unless |f1 - f2| <= err.

        Args:
          f1, f2: numbers.
          err: the largest difference.
          msg: added to the message of a failure.
        """
        f1, f2 = np.squeeze(f1), np.squeeze(f2)
        if f1 != f2:  # infinities are equal, and their difference is not a number
            gap, note = math.fabs(f1 - f2), "" if msg is None else f" ({msg})"
            self.assertTrue(gap <= err, f"{f1:f} != {f2:f} +/- {err:f} (difference: {gap:g}){note}")

    @checked_when_run
    def assertArrayNear(self, farray1, farray2, err, msg=None):
        """Fails unless every two entries of two lists are within `err`.

        Args:
          farray1, farray2: lists of numbers.
          err: the largest difference.
          msg: added to the message of a failure.
        """
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg=msg)

    def _NDArrayNear(self, ndarray1, ndarray2, err):
        return np.linalg.norm(ndarray1 - ndarray2) < err

    @checked_when_run
    def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):
        """Fails unless the norm of the difference is below `err`.

        Args:
          ndarray1, ndarray2: arrays of one shape.
          err: the norm of the difference is less than this.
          msg: added to the message of a failure.
        """
        self.assertTrue(self._NDArrayNear(ndarray1, ndarray2, err), msg=msg)

    @checked_when_run
    def assertAllEqual(self, a, b, msg=None):
        """Fails unless shapes and all entries are equal; NaNs are equal to one another.

        Args:
          a, b: arrays, tensors or RaggedTensors, or what converts to them.
          msg: added to the message of a failure.
        """
        if _is_ragged(a) or _is_ragged(b):
            self._assertRaggedEqual(a, b, msg)
            return
        msg = msg or ""
        a, b = self._arrays(a, b)
        contents = f" Contents: {b!r}. \n{msg}." if _is_shown(b) else f" {msg}"
        self.assertEqual(
            a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}.{contents}"
        )
        same = a == b
        if dtypes.as_dtype(a.dtype).is_floating:
            same = np.logical_or(same, np.logical_and(np.isnan(a), np.isnan(b)))
        if np.all(same):
            return
        notes, x, y = [msg], a, b
        if a.ndim:
            where = np.where(np.logical_not(same))
            x, y = a[where], b[where]
            notes.append(f"not equal where = {where}")
        notes += [f"not equal lhs = {x!r}", f"not equal rhs = {y!r}"]
        if a.dtype.kind != b.dtype.kind and {a.dtype.kind, b.dtype.kind} <= {"U", "S", "O"}:
            a, b = _as_bytes(a), _as_bytes(b)
        np.testing.assert_array_equal(a, b, err_msg="\n".join(notes))

    @checked_when_run
    def assertNotAllEqual(self, a, b, msg=None):
        """Fails if all entries are equal.

        Args:
          a, b: arrays or tensors, or what converts to them.
          msg: added to the message of a failure.

        Raises:
          AssertionError: all entries are equal.
        """
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    @checked_when_run
    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Fails unless |a - b| <= atol + rtol * |b| for all entries, also in nested structures.

        Args:
          a, b: structures of arrays and tensors.
          rtol, atol: the relative and the absolute tolerance.
          msg: added to the message of a failure.

        Raises:
          ValueError: the structures differ.
        """
        self._assertAllCloseRecursive(a, b, rtol=rtol, atol=atol, msg=msg)

    @checked_when_run
    def assertNotAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Fails if all entries are close.

        Args:
          a, b: structures of arrays and tensors.
          rtol, atol: the relative and the absolute tolerance.
          msg: added to the message of a failure.

        Raises:
          AssertionError: all entries are close.
        """
        try:
            self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)
        except AssertionError:
            return
        raise AssertionError(f"The two values are close at all elements. {msg or ''}")

    @checked_when_run
    def assertAllCloseAccordingToType(
        self, a, b, rtol=1e-6, atol=1e-6, float_rtol=1e-6, float_atol=1e-6, half_rtol=1e-3,
        half_atol=1e-3, bfloat16_rtol=1e-2, bfloat16_atol=1e-2, msg=None,
    ):  # fmt: skip
        """`assertAllClose` with larger tolerances for narrow types.

        Args:
          a, b: arrays or tensors, or what converts to them.
          rtol, atol: the least tolerances.
          float_rtol, float_atol: the least if one of them is of float32 or complex64.
          half_rtol, half_atol: the least if one of them is of float16.
          bfloat16_rtol, bfloat16_atol: the least if one of them is of bfloat16.
          msg: added to the message of a failure.
        """
        a, b = self._arrays(a, b)
        kinds = {a.dtype.name, b.dtype.name}
        if kinds & {"float32", "complex64"}:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if "float16" in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in kinds:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    def _assertAllCloseRecursive(self, a, b, rtol=1e-6, atol=1e-6, path=None, msg=None):
        if _is_ragged(a) or _is_ragged(b):
            self._assertRaggedClose(a, b, rtol, atol, msg)
            return
        path, msg = list(path or ()), msg or ""
        at = f"[{']['.join(str(step) for step in path)}]" if path else ""
        a, b = (x._asdict() if hasattr(x, "_asdict") else x for x in (a, b))
        if isinstance(a, Mapping) != isinstance(b, Mapping):
            raise ValueError(f"Can't compare dict to non-dict, a{at} vs b{at}. {msg}")
        if isinstance(a, Mapping):
            self.assertCountEqual(
                a.keys(),
                b.keys(),
                f"mismatched keys: a{at} has keys {a.keys()}, but b{at} has keys {b.keys()}. {msg}",
            )
            for key in a:
                self._assertAllCloseRecursive(a[key], b[key], rtol, atol, [*path, key], msg)
            return
        differs = f"Mismatched value: a{at} is different from b{at}. {msg}"
        if not isinstance(a, (list, tuple)):
            try:
                self._assertArrayLikeAllClose(a, b, rtol, atol, differs)
            except TypeError as error:
                said = f"Error: a{at} has {type(a)}, but b{at} has {type(b)}. {msg}"
                error.args = (f"{error.args[0]} : {said}", *error.args[1:])
                raise
            return
        try:
            a, b = self.evaluate_if_both_tensors(a, b)
            self._assertArrayLikeAllClose(
                self._GetNdArray(a), self._GetNdArray(b), rtol, atol, differs
            )
        except (ValueError, TypeError, NotImplementedError):  # no arrays: item by item
            if len(a) != len(b):
                raise ValueError(
                    f"Mismatched length: a{at} has {len(a)} items, but b{at} has {len(b)} items. {msg}"
                ) from None
            for place, (x, y) in enumerate(zip(a, b, strict=True)):
                self._assertAllCloseRecursive(x, y, rtol, atol, [*path, str(place)], msg)

    def _assertArrayLikeAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        a, b = self._arrays(a, b)
        contents = f" with contents {b}." if a.shape != b.shape and _is_shown(b) else "."
        self.assertEqual(
            a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}{contents}"
        )
        kind = a.dtype
        a, b = (x.astype(np.float32) if x.dtype.name in _NARROW else x for x in (a, b))
        if np.allclose(a, b, rtol=rtol, atol=atol):
            return
        far = np.abs(a - b) > atol + rtol * np.abs(b)
        notes, x, y = [str(msg)], a, b
        if a.ndim:
            where = np.where(np.logical_or(far, np.isnan(a) != np.isnan(b)))
            x, y = a[where], b[where]
            notes.append(f"not close where = {where}")
        notes += [f"not close lhs = {x}", f"not close rhs = {y}"]
        notes += [f"not close dif = {np.abs(x - y)}", f"not close tol = {atol + rtol * np.abs(y)}"]
        notes.append(f"dtype = {kind}, shape = {a.shape}")
        np.testing.assert_allclose(
            a, b, rtol=rtol, atol=atol, err_msg="\n".join(notes), equal_nan=True
        )

    def _GetPyList(self, a):
        if isinstance(a, RaggedTensor):
            return self.evaluate(a).to_list()
        if isinstance(a, Tensor):
            value = self.evaluate(a)
            return value.tolist() if isinstance(value, np.ndarray) else value
        if isinstance(a, np.ndarray):
            return a.tolist()
        return a.to_list() if _is_ragged(a) else np.array(a, dtype=object).tolist()

    def _assertRaggedEqual(self, a, b, msg):
        self.assertEqual(self._GetPyList(a), self._GetPyList(b), msg)
        self._assertRaggedRanksEqual(a, b, msg)

    def _assertRaggedClose(self, a, b, rtol, atol, msg=None):
        self._assertListCloseRecursive(self._GetPyList(a), self._GetPyList(b), rtol, atol, msg)
        self._assertRaggedRanksEqual(a, b, msg)

    def _assertRaggedRanksEqual(self, a, b, msg):
        if not isinstance(a, (list, tuple)) and not isinstance(b, (list, tuple)):
            ranks = [x.ragged_rank if _is_ragged(x) else 0 for x in (a, b)]
            self.assertEqual(*ranks, msg)

    def _assertListCloseRecursive(self, a, b, rtol, atol, msg, path="value"):
        self.assertEqual(type(a), type(b))
        if not isinstance(a, (list, tuple)):
            self._assertAllCloseRecursive(a, b, rtol, atol, path, msg)
            return
        self.assertLen(a, len(b), f"Length differs for {path}")
        for place, (x, y) in enumerate(zip(a, b, strict=True)):
            self._assertListCloseRecursive(x, y, rtol, atol, msg, f"{path}[{place}]")

    @checked_when_run
    def assertAllGreater(self, a, comparison_target):
        """Fails unless all entries are greater.

        Args:
          a: an array or tensor.
          comparison_target: a number.
        """
        a, comparison_target = self.evaluate_if_both_tensors(a, comparison_target)
        self.assertGreater(np.min(self._GetNdArray(a)), comparison_target)

    @checked_when_run
    def assertAllLess(self, a, comparison_target):
        """Fails unless all entries are less.

        Args:
          a: an array or tensor.
          comparison_target: a number.
        """
        a, comparison_target = self.evaluate_if_both_tensors(a, comparison_target)
        self.assertLess(np.max(self._GetNdArray(a)), comparison_target)

    @checked_when_run
    def assertAllGreaterEqual(self, a, comparison_target):
        """Fails unless all entries are at least this.

        Args:
          a: an array or tensor.
          comparison_target: a number.
        """
        a, comparison_target = self.evaluate_if_both_tensors(a, comparison_target)
        self.assertGreaterEqual(np.min(self._GetNdArray(a)), comparison_target)

    @checked_when_run
    def assertAllLessEqual(self, a, comparison_target):
        """Fails unless all entries are at most this.

        Args:
          a: an array or tensor.
          comparison_target: a number.
        """
        a, comparison_target = self.evaluate_if_both_tensors(a, comparison_target)
        self.assertLessEqual(np.max(self._GetNdArray(a)), comparison_target)

    @checked_when_run
    def assertAllInRange(
        self, target, lower_bound, upper_bound, open_lower_bound=False, open_upper_bound=False
    ):
        """Fails unless every entry lies in the range; bounds belong to it unless they are open.

        Args:
          target: an array or tensor of real numbers.
          lower_bound, upper_bound: the range.
          open_lower_bound, open_upper_bound: whether the bound does not belong to it.

        Raises:
          AssertionError: an entry lies outside or is NaN, or the entries are not real numbers.
        """
        target = self._GetNdArray(target)
        if not np.issubdtype(target.dtype, np.floating) and target.dtype.kind not in "iu":
            raise AssertionError(
                f"The value of {target} does not have an ordered numeric type, instead it has type: "
                f"{target.dtype}"
            )
        nans = np.where(np.isnan(np.atleast_1d(target)))
        if np.size(nans):
            raise AssertionError(
                f"{len(nans[0])} of the {np.size(target)} element(s) are NaN. Subscripts(s) and value(s) "
                "of the NaN element(s):\n" + "\n".join(self._format_subscripts(nans, target))
            )
        below = target <= lower_bound if open_lower_bound else target < lower_bound
        above = target >= upper_bound if open_upper_bound else target > upper_bound
        outside = np.where(np.atleast_1d(np.logical_or(below, above)))
        if np.size(outside):
            brackets = "(" if open_lower_bound else "[", ")" if open_upper_bound else "]"
            raise AssertionError(
                f"{len(outside[0])} of the {np.size(target)} element(s) are outside the range "
                f"{brackets[0]}{lower_bound}, {upper_bound}{brackets[1]}. Subscript(s) and value(s) of the "
                "offending elements:\n" + "\n".join(self._format_subscripts(outside, target))
            )

    def _format_subscripts(self, subscripts, value, limit=10, indent=2):
        prefix = " " * indent
        if np.ndim(value) == 0:
            return [f"{prefix}[0] : {value}"]
        rows = np.transpose(subscripts)
        lines = [f"{prefix}{row} : {value[tuple(row)]}" for row in itertools.islice(rows, limit)]
        return [*lines, f"{prefix}..."] if len(rows) > limit else lines

    @checked_when_run
    def assertAllInSet(self, target, expected_set):
        """Fails unless every entry is one of these.

        Args:
          target: an array or tensor.
          expected_set: a collection of values.

        Raises:
          AssertionError: an entry is another.
        """
        other = np.setdiff1d(self._GetNdArray(target).flatten(), list(expected_set))
        if np.size(other):
            raise AssertionError(
                f"{np.size(other)} unique element(s) are not in the set {expected_set}: {other}"
            )

    @checked_when_run
    def assertDTypeEqual(self, target, expected_dtype):
        """Fails unless the value of `target` has this type.

        Args:
          target: an array or tensor.
          expected_dtype: a NumPy dtype.
        """
        self.assertEqual(self._GetNdArray(target).dtype, expected_dtype)

    def assertShapeEqual(self, input_a, input_b, msg=None):
        """Fails unless two arrays or tensors have one shape: of tensors, the static shape.

        Args:
          input_a, input_b: arrays or tensors.
          msg: added to the message of a failure.

        Raises:
          TypeError: one is neither an array nor a tensor.
        """
        shapes = []
        for place, value in (("input_a", input_a), ("input_b", input_b)):
            if not isinstance(value, (np.ndarray, np.generic, Tensor)):
                raise TypeError(
                    f"{place} must be a Numpy ndarray, Numpy scalar, or a Tensor.Instead received "
                    f"{type(value)}"
                )
            shapes.append(value.shape.as_list() if isinstance(value, Tensor) else value.shape)
        self.assertAllEqual(*shapes, msg=msg)

    @checked_when_run
    def assertDictEqual(self, a, b, msg=None):
        """Fails unless the keys are the same, and all entries of the values equal (close, of floats).

        Args:
          a, b: dicts of arrays and tensors.
          msg: added to the message of a failure.
        """
        try:
            super().assertDictEqual(a, b, msg)
        except Exception:  # comparing tensors may raise anything; their values decide
            self.assertSameElements(a.keys(), b.keys())
            for key, value in a.items():
                first, _ = self._arrays(value, b[key])
                compare = self.assertAllEqual
                if np.issubdtype(first.dtype, np.floating):
                    compare = self.assertAllClose
                compare(value, b[key], msg=key)


def _is_ragged(value: Any) -> bool:
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def _is_shown(array: Any) -> bool:
    return array.ndim <= _SHOWN_RANK or array.size < _SHOWN_SIZE


def _as_bytes(array: Any) -> Any:
    return np.array([x.encode() if isinstance(x, str) else x for x in array.flat])
