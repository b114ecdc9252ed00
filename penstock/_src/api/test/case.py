"""TestCase: unittest's, with comparisons of tensors."""

from __future__ import annotations

import contextlib
import tempfile
import unittest

import numpy as np

from penstock._src.api.config import devices
from penstock._src.api.random.seeds import set_seed
from penstock._src.autodiff.backprop import GradientTape
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util import nest
from penstock._src.util.export import export


@export("test.TestCase")
class TestCase(unittest.TestCase):
    """A test case with comparisons of tensors and nested structures of them."""

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
        """The arrays of a structure of tensors."""
        return nest.map_structure(_array, tensors, expand_composites=False)

    @contextlib.contextmanager
    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """Expects an OpError whose message fits."""
        with self.assertRaisesRegex(errors.OpError, expected_err_re_or_predicate) as context:
            yield context

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected):
        """Expects an exception for which the predicate (or pattern) holds."""
        with self.assertRaises(exception_type) as context:
            yield context
        if callable(expected):
            self.assertTrue(expected(context.exception), f"Unexpected: {context.exception}")
        else:
            self.assertRegex(str(context.exception), expected)

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A context; ops run at once."""
        yield None

    cached_session = test_session = session

    def assertAllEqual(self, a, b, msg=None):
        """Fails unless shapes and all entries are equal."""
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
        """Fails unless all entries are near each other, in nested structures too."""
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
        """Fails if all entries are near each other."""
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
        """Fails unless the type is this."""
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
    unittest.main(argv=argv)


@export("test.is_built_with_cuda")
def is_built_with_cuda():
    """False."""
    return False


@export("test.is_built_with_rocm")
def is_built_with_rocm():
    """False."""
    return False


@export("test.is_built_with_gpu_support")
def is_built_with_gpu_support():
    """False."""
    return False


@export("test.is_built_with_xla")
def is_built_with_xla():
    """False: the compiler is Penstock's own."""
    return False


@export("test.is_cpu_target_available")
def is_cpu_target_available(target):
    """Whether code for this kind of processor can be compiled."""
    return target in ("x86_64", "aarch64")


@export("test.is_gpu_available")
def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """Whether there is a GPU."""
    del cuda_only, min_cuda_compute_capability
    return bool(devices.list_logical_devices("GPU"))


@export("test.gpu_device_name")
def gpu_device_name():
    """The name of the first GPU, or an empty string."""
    found = devices.list_logical_devices("GPU")
    return found[0].name if found else ""


@export("test.compute_gradient", v1=[])
def compute_gradient(f, x, delta=None):
    """The Jacobians of `f` at the list `x`, by its gradients and by differences.

    Args:
      f: a function of as many tensors as `x` has.
      x: a list of arguments.
      delta: the step of the differences.
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(
            f"`x` must be a list or tuple of values convertible to a Tensor. Received {x}."
        )
    arguments = [convert_to_tensor(v) for v in x]
    if delta is None:
        delta = 1.0 / 1024
    by_tape, by_difference = [], []
    for i, argument in enumerate(arguments):
        by_tape.append(_jacobian(f, arguments, i, argument))
        by_difference.append(_differences(f, arguments, i, argument, delta))
    return by_tape, by_difference


def _jacobian(f, arguments, index, argument):
    with GradientTape(persistent=True) as tape:
        tape.watch(argument)
        y = f(*[argument if i == index else a for i, a in enumerate(arguments)])
        flat = raw.Reshape(tensor=y, shape=[-1])
        rows = [flat[i] for i in range(flat.shape[0])]
    out = np.zeros([len(rows), argument.shape.num_elements()], argument.dtype.as_numpy_dtype)
    for i, row in enumerate(rows):
        gradient = tape.gradient(row, argument)
        if gradient is not None:
            out[i] = convert_to_tensor(gradient).numpy().reshape(-1)
    return out


def _differences(f, arguments, index, argument, delta):
    base = np.asarray(argument.numpy())
    columns = []
    for j in range(base.size):
        shifted = []
        for sign in (1, -1):
            moved = base.copy().reshape(-1)
            moved[j] += sign * delta
            inputs = list(arguments)
            inputs[index] = convert_to_tensor(moved.reshape(base.shape), dtype=argument.dtype)
            shifted.append(np.asarray(f(*inputs).numpy()).reshape(-1))
        columns.append((shifted[0] - shifted[1]) / (2 * delta))
    return np.stack(columns, 1) if columns else np.zeros((0, 0))


@export("test.disable_with_predicate")
def disable_with_predicate(pred, skip_message):
    """Decorator of a test that is skipped where `pred()` holds."""

    def decorator(function):
        def run(self, *args, **kwargs):
            if pred():
                self.skipTest(skip_message)
            return function(self, *args, **kwargs)

        return run

    return decorator
