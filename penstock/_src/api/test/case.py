"""TestCase: unittest's, with comparisons of tensors."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl.testing import absltest
from google.protobuf import text_format

from penstock._src.api.random.seeds import set_seed
from penstock._src.api.test.helpers import CapturedWrites, CheckedThread
from penstock._src.core import dtypes, errors
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.proto.graph import GraphDef
from penstock._src.util import nest
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export
from penstock._src.util.slots import above

# TensorFlow 2.21's version of GraphDefs.
PRODUCER = 2474


@export("test.TestCase")
class TestCase(absltest.TestCase):
    """A test case with comparisons of tensors and nested structures of them, on top of absl's."""

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        self._folder = None

    def setUp(self):
        """Fixes the seeds."""
        super().setUp()
        np.random.seed(8675309)
        set_seed(87654321)

    def get_temp_dir(self):
        """A folder for the test's files."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix=type(self).__name__)
        return self._folder

    def evaluate(self, tensors):
        """The arrays of a structure of tensors; in a graph, evaluated by the default session."""
        if STATE.graph is not None and not STATE.graph.building_function:
            return STATE.graph._default_session().run(tensors)
        return nest.map_structure(_array, tensors, expand_composites=False)

    @contextlib.contextmanager
    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """Expects an OpError whose message matches."""
        with self.assertRaisesRegex(errors.OpError, expected_err_re_or_predicate) as context:
            yield context

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):
        """Expects an exception for which the predicate (or pattern) holds."""
        expected = expected_err_re_or_predicate
        with self.assertRaises(exception_type) as context:
            yield context
        if callable(expected):
            self.assertTrue(expected(context.exception), f"Unexpected: {context.exception}")
        else:
            self.assertRegex(str(context.exception), expected)

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A session on a graph, which becomes the default graph; None in eager execution."""
        graph = graph or STATE.graph
        if graph is None:
            yield None
            return
        with above("Session")("", graph, config) as opened:
            yield opened

    cached_session = test_session = session

    def assertAllEqual(self, a, b, msg=None):
        """Fails unless shapes and all entries are equal."""
        if hasattr(a, "row_splits") or hasattr(b, "row_splits"):
            self.assertEqual(_listed(a), _listed(b), msg)
            return
        a, b = _array(a), _array(b)
        np.testing.assert_equal(a.shape, b.shape, err_msg=msg or "")
        equal = a == b
        if a.dtype.kind in "fc":
            equal = np.logical_or(equal, np.logical_and(np.isnan(a), np.isnan(b)))
        if not np.all(equal):
            self.fail(self._formatMessage(msg, f"Not equal:\n{a!r}\n{b!r}"))

    def assertNotAllEqual(self, a, b, msg=None):
        """Fails if all entries are equal."""
        if np.array_equal(_array(a), _array(b)):
            self.fail(self._formatMessage(msg, "The two values are equal at all elements."))

    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Fails unless all entries are close, also in nested structures."""
        if isinstance(a, dict):
            self.assertEqual(set(a), set(b), msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, msg)
            return
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
            try:
                first, second = _array(a), _array(b)
            except (ValueError, TypeError):
                for x, y in zip(a, b, strict=True):
                    self.assertAllClose(x, y, rtol, atol, msg)
                return
            a, b = first, second
        a, b = _array(a), _array(b)
        self.assertEqual(a.shape, b.shape, msg)
        wide = [x.astype(np.float64) if x.dtype.kind not in "fciub" else x for x in (a, b)]
        np.testing.assert_allclose(*wide, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertNotAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Fails if all entries are close."""
        try:
            self.assertAllClose(a, b, rtol, atol)
        except AssertionError:
            return
        self.fail(self._formatMessage(msg, "The two values are close at all elements."))

    def assertAllCloseAccordingToType(
        self, a, b, rtol=1e-6, atol=1e-6, float_rtol=1e-6, float_atol=1e-6, half_rtol=1e-3,
        half_atol=1e-3, bfloat16_rtol=1e-2, bfloat16_atol=1e-2, msg=None,
    ):  # fmt: skip
        """`assertAllClose` with tolerances by type."""
        kinds = {_array(a).dtype.name, _array(b).dtype.name}
        if kinds & {"float32", "complex64"}:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if "float16" in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in kinds:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertShapeEqual(self, input_a, input_b, msg=None):
        """Fails unless both have one shape."""
        self.assertEqual(tuple(_array(input_a).shape), tuple(_array(input_b).shape), msg)

    def assertDTypeEqual(self, target, expected_dtype):
        """Fails unless `target` has this dtype."""
        self.assertEqual(dtypes.as_dtype(_array(target).dtype), dtypes.as_dtype(expected_dtype))

    def assertNear(self, f1, f2, err, msg=None):
        """Fails unless |f1 - f2| <= err."""
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, msg or f"{f1} != {f2} +/- {err}")

    def assertArrayNear(self, farray1, farray2, err, msg=None):
        """Fails unless all entries are within err."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for a, b in zip(farray1, farray2, strict=True):
            self.assertNear(float(a), float(b), err, msg)

    def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):
        """Fails unless the norm of the difference is within err."""
        self.assertTrue(np.linalg.norm(_array(ndarray1) - _array(ndarray2)) < err, msg)

    def assertAllGreater(self, a, comparison_target):
        """Fails unless all entries are greater."""
        self.assertTrue(np.all(_array(a) > comparison_target))

    def assertAllLess(self, a, comparison_target):
        """Fails unless all entries are less."""
        self.assertTrue(np.all(_array(a) < comparison_target))

    def assertAllGreaterEqual(self, a, comparison_target):
        """Fails unless all entries are at least this."""
        self.assertTrue(np.all(_array(a) >= comparison_target))

    def assertAllLessEqual(self, a, comparison_target):
        """Fails unless all entries are at most this."""
        self.assertTrue(np.all(_array(a) <= comparison_target))

    def assertAllInSet(self, target, expected_set):
        """Fails unless every entry is one of these."""
        self.assertTrue(np.isin(_array(target), list(expected_set)).all())

    def assertAllInRange(
        self, target, lower_bound, upper_bound, open_lower_bound=False, open_upper_bound=False
    ):
        """Fails unless every entry lies in the range."""
        values = _array(target)
        low = values > lower_bound if open_lower_bound else values >= lower_bound
        high = values < upper_bound if open_upper_bound else values <= upper_bound
        self.assertTrue(np.all(low & high))

    def assertDictEqual(self, a, b, msg=None):
        """Fails unless the keys and all entries of the values are equal."""
        self.assertIsInstance(a, Mapping, msg)
        self.assertEqual(set(a), set(b), msg)
        for key in a:
            self.assertAllEqual(a[key], b[key], msg or f"The values of {key!r} differ.")

    def assertDeviceEqual(self, device1, device2, msg=None):
        """Fails unless two devices or device names are equivalent."""
        first, second = _device(device1), _device(device2)
        self.assertEqual(first, second, f"Devices {first} and {second} are not equal. {msg or ''}")

    def assertProtoEquals(
        self,
        expected_message_maybe_ascii,
        validate_message,
        msg=None,
        relative_tolerance=None,
    ):
        """Fails unless a message equals another, which may be given in text format."""
        expected, kind = expected_message_maybe_ascii, type(validate_message)
        if isinstance(expected, (str, bytes)):
            expected = text_format.Parse(expected, kind())
        if type(expected) is not kind:
            self.fail(f"Can't compare protos of type {type(expected)} and {kind}. {msg or ''}")
        if relative_tolerance is None:
            self.assertMultiLineEqual(str(expected), str(validate_message), msg)
            return
        for want, got in zip(_leaves(expected), _leaves(validate_message), strict=True):
            if isinstance(want, float):
                self.assertNear(want, got, relative_tolerance * abs(want), msg)
            else:
                self.assertEqual(want, got, msg)

    def assertProtoEqualsVersion(
        self, expected, actual, producer=PRODUCER, min_consumer=0, msg=None
    ):
        """Compares a GraphDef with a text without versions."""
        graph = text_format.Parse(expected, GraphDef())
        graph.versions.producer, graph.versions.min_consumer = producer, min_consumer
        self.assertProtoEquals(graph, actual, msg)

    def assertRaisesIncompatibleShapesError(self, exception_type=errors.InvalidArgumentError):
        """Expects the error for incompatible shapes."""
        return self.assertRaisesRegex(
            (exception_type, ValueError), r"Incompatible shapes|Dimensions must be equal|must match"
        )

    def assertItemsEqual(self, first, second, msg=None):
        """Fails unless both contain the same elements with the same counts, in any order."""
        self.assertCountEqual(first, second, msg)

    def assertRaisesRegexp(self, expected_exception, expected_regex, *args, **kwargs):
        """`assertRaisesRegex` under its older name."""
        return self.assertRaisesRegex(expected_exception, expected_regex, *args, **kwargs)

    @contextlib.contextmanager
    def captureWritesToStream(self, stream):
        """Captures the writes to a stream of the process."""
        with CapturedWrites.of(stream) as captured:
            yield captured

    def checkedThread(self, target, args=None, kwargs=None):
        """A thread whose `join` reports its exceptions."""
        return CheckedThread(self, functools.partial(target, *(args or ()), **(kwargs or {})))

    def evaluate_if_both_tensors(self, a, b):
        """The values of two tensors; other values unchanged."""
        if isinstance(a, Tensor) and isinstance(b, Tensor) and STATE.graph is not None:
            return self.evaluate(a), self.evaluate(b)
        return a, b


def _device(device: Any) -> Any:
    if isinstance(device, str):
        return DeviceSpec.from_string(device)
    return DeviceSpec.from_string(device.to_string()) if device is not None else DeviceSpec()


def _leaves(message: Any) -> Any:
    """The values of a message in the order of the fields, as text would show them."""
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            if hasattr(item, "ListFields"):
                yield from _leaves(item)
            else:
                yield item


def _listed(value: Any) -> Any:
    if hasattr(value, "to_list"):
        return value.to_list()
    return value if isinstance(value, list) else _array(value).tolist()


def _array(value):
    if hasattr(value, "numpy"):
        return np.asarray(value.numpy())
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)):
        return np.array([_array(v) for v in value])
    return np.asarray(value)


@export("test.main")
def main(argv=None):
    """Runs the tests of the main module."""
    absltest.main(argv=argv)


@export("test.disable_with_predicate")
def disable_with_predicate(pred, skip_message):
    """Decorator that skips a test if `pred()` is true."""

    def decorator(function):
        def run(self, *args, **kwargs):
            if pred():
                self.skipTest(skip_message)
            return function(self, *args, **kwargs)

        return run

    return decorator
