"""TestCase: absl's, with sessions, values of tensors, and comparisons of them."""

from __future__ import annotations

import contextlib
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from absl.testing import absltest

from penstock._src.api.debugging.tracing import disable_traceback_filtering
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.api.random.seeds import DEFAULT_GRAPH_SEED, set_random_seed
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.api.test.benchmark import benchmarks_main
from penstock._src.api.test.comparisons import ValueAssertions
from penstock._src.api.test.helpers import CapturedWrites, CheckedThread, folder_of_process
from penstock._src.api.test.protos import ProtoAssertions
from penstock._src.core import errors
from penstock._src.core.composite import IndexedSlices, IndexedSlicesValue
from penstock._src.core.dispatch import STATE
from penstock._src.util import nest
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.export import export
from penstock._src.util.slots import above

_RESERVED = (
    'Tests that have the name "test_session" are skipped: it is the name of the method that makes '
    "sessions. Please rename the test."
)
_INCOMPATIBLE = "Incompatible shapes|Dimensions must be equal|required broadcastable shapes"


@export("test.TestCase")
class TestCase(ProtoAssertions, ValueAssertions):
    """A test case with sessions and comparisons of tensors and nested structures of them, on top of absl's.

    Before each test the seeds are set and the default graph is a new one.

    Args:
      methodName: the test that it runs.

    >>> import io, unittest
    >>> class Sums(tf.test.TestCase):
    ...     def test_rows(self):
    ...         self.assertAllEqual(tf.reduce_sum([[1, 2], [3, 4]], axis=1), [3, 7])
    >>> unittest.TextTestRunner(stream=io.StringIO()).run(Sums("test_rows")).wasSuccessful()
    True
    """

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        disable_traceback_filtering()
        self._threads: list[CheckedThread] = []
        self._tempdir: str | None = None
        self._cached_session: Any = None
        self._cached_arguments: tuple[Any, ...] = ()
        self._set_default_seed = True

    def setUp(self):
        """Sets the seeds, and makes a new default graph."""
        super().setUp()
        self._ClearCachedSession()
        random.seed(DEFAULT_GRAPH_SEED)
        np.random.seed(DEFAULT_GRAPH_SEED)
        above("forget_default_graphs")()
        if self._set_default_seed:
            set_random_seed(DEFAULT_GRAPH_SEED)
        self._skip_a_method_that_is_no_test()

    def tearDown(self):
        """Fails if a checked thread was not joined; closes the cached session."""
        for thread in self._threads:
            thread.check_termination()
        self._ClearCachedSession()
        super().tearDown()

    def _skip_a_method_that_is_no_test(self):
        if self.id().endswith(".test_session"):
            self.skipTest(_RESERVED)

    def get_temp_dir(self):
        """Returns a folder for the files of this test.

        Returns:
          A str.
        """
        if not self._tempdir:
            self._tempdir = tempfile.mkdtemp(dir=folder_of_process())
        return self._tempdir

    # values

    def evaluate(self, tensors):
        """Returns the values of a structure of tensors; in a graph, computed by the default session.

        A SparseTensor becomes a SparseTensorValue, a RaggedTensor a RaggedTensorValue, IndexedSlices an IndexedSlicesValue.

        Args:
          tensors: a structure of tensors.

        Returns:
          The structure, with NumPy arrays in place of tensors.
        """
        if STATE.graph is None:
            return self._eval_helper(tensors)
        session = above("get_default_session")()
        flat = nest.flatten(tensors)
        if session is None:
            with self.test_session() as session:
                values = session.run(flat)
        else:
            values = session.run(flat)
        return nest.pack_sequence_as(tensors, values)

    def _eval_helper(self, tensors):
        return None if tensors is None else nest.map_structure(self._eval_tensor, tensors)

    def _eval_tensor(self, tensor):
        if tensor is None:
            return None
        if callable(tensor):
            return self._eval_helper(tensor())
        try:
            return _value(tensor)
        except AttributeError as error:
            raise ValueError(f"Unsupported type {type(tensor).__name__!r}.") from error

    # sessions

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A new session, which is the default one in the block, and its graph the default graph.

        Args:
          graph: by default the current graph.
          config: a ConfigProto.
          use_gpu: if False, ops are placed on the CPU.
          force_gpu: if True, ops are placed on the first GPU.

        Returns:
          A context manager that gives the session; in eager execution an object whose use raises.
        """
        if STATE.graph is None:
            yield EagerSessionWarner()
            return
        with above("Session")("", graph, config) as session:
            with self._constrain_devices_and_set_default(session, use_gpu, force_gpu):
                yield session

    @contextlib.contextmanager
    def cached_session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """The session that this test keeps until its end; in eager execution an object that evaluates.

        Args:
          graph, config, use_gpu, force_gpu: as `session`'s, and the same in each call.

        Returns:
          A context manager.
        """
        if STATE.graph is None:
            yield FakeEagerSession(self)
            return
        session = self._get_cached_session(graph, config, force_gpu)
        with self._constrain_devices_and_set_default(session, use_gpu, force_gpu):
            yield session

    @contextlib.contextmanager
    def test_session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """`cached_session`, or with a graph `session`; None executing eagerly.

        Args:
          graph, config, use_gpu, force_gpu: as `session`'s.

        Returns:
          A context manager.
        """
        self._skip_a_method_that_is_no_test()
        if STATE.graph is None:
            yield None
        elif graph is not None:
            with self.session(graph, config, use_gpu, force_gpu) as session:
                yield session
        else:
            session = self._get_cached_session(graph, config, force_gpu, False)
            with self._constrain_devices_and_set_default(session, use_gpu, force_gpu):
                yield session

    def _get_cached_session(
        self, graph=None, config=None, force_gpu=False, crash_if_inconsistent_args=True
    ):
        arguments = graph, config, force_gpu
        if self._cached_session is None:
            self._cached_session = above("Session")("", graph, config)
            self._cached_arguments = arguments
        elif crash_if_inconsistent_args:
            names = "graph", "config", "force_gpu value"
            for name, value, before in zip(names, arguments, self._cached_arguments, strict=True):
                if value is not before:
                    raise ValueError(
                        f"The {name} used to get the cached session is different than the one that was "
                        "used to create the session. Maybe create a new session with self.session()"
                    )
        return self._cached_session

    def _ClearCachedSession(self):
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    @contextlib.contextmanager
    def _constrain_devices_and_set_default(self, sess, use_gpu, force_gpu):
        device = "/device:GPU:0" if force_gpu else None if use_gpu else "/device:CPU:0"
        with sess.graph.as_default(), sess.as_default():
            if device is None:
                yield sess
            else:
                with sess.graph.device(device):
                    yield sess

    # errors

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):
        """Expects an exception that satisfies the predicate, or has a message that contains the pattern.

        The names of the operation that failed and of those that it was made from are searched as well.

        Args:
          exception_type: the class.
          expected_err_re_or_predicate: a pattern, or a function from an exception to a bool.

        Returns:
          A context manager.

        Raises:
          AssertionError: another exception is raised, or none.
        """
        holds = expected_err_re_or_predicate
        if not callable(holds):
            holds = _finder(expected_err_re_or_predicate)
        try:
            yield
        except Exception as error:
            if not isinstance(error, exception_type) or not holds(error):
                raise AssertionError(f"Exception of type {type(error)}: {error}") from error
            return
        raise AssertionError(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """Expects an OpError with a message that matches.

        Args:
          expected_err_re_or_predicate: a pattern, or a function from an exception to a bool.

        Returns:
          A context manager.
        """
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(self, exception_type=errors.InvalidArgumentError):
        """Expects the error for shapes that do not broadcast.

        Args:
          exception_type: the class.

        Returns:
          A context manager.
        """
        return self.assertRaisesWithPredicateMatch(exception_type, _INCOMPATIBLE)

    # unittest's under the names that it had in Python 2
    assertRaisesRegexp = absltest.TestCase.assertRaisesRegex
    assertItemsEqual = absltest.TestCase.assertCountEqual

    # the rest

    def assertStartsWith(self, actual, expected_start, msg=None):
        """Fails unless a text begins with another.

        Args:
          actual: the text.
          expected_start: what it begins with.
          msg: added to the message of a failure.
        """
        if not actual.startswith(expected_start):
            note = f" : {msg!r}" if msg else ""
            self.fail(f"{actual!r} does not start with {expected_start!r}{note}")

    def assertDeviceEqual(self, device1, device2, msg=None):
        """Fails unless two devices or device names are equivalent.

        Args:
          device1, device2: names, DeviceSpecs or None.
          msg: added to the message of a failure.
        """
        first, second = _device_name(device1), _device_name(device2)
        self.assertEqual(first, second, f"Devices {first} and {second} are not equal. {msg}")

    @contextlib.contextmanager
    def captureWritesToStream(self, stream) -> Iterator[CapturedWrites]:
        """Captures the writes to a stream of the process, those of native code as well.

        Args:
          stream: such as `sys.stderr`.

        Returns:
          A context manager; what it gives has the text as `contents()`.
        """
        with CapturedWrites.of(stream, self.get_temp_dir()) as captured:
            yield captured

    _CheckedThread = CheckedThread

    def checkedThread(self, target, args=None, kwargs=None):
        """Returns a thread. Its `join` fails the test if `target` raised.

        Args:
          target: the function.
          args, kwargs: its arguments.

        Returns:
          A thread with `start`, `join` and `is_alive`.
        """
        thread = CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread


class FakeEagerSession:
    """Result of `cached_session` when executing eagerly: `run` evaluates if nothing is fed."""

    def __init__(self, test_case: TestCase) -> None:
        self._test_case = test_case

    def run(self, fetches: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns the values of a structure of tensors.

        Raises:
          RuntimeError: something is fed, or an option given.
        """
        fed = kwargs.pop("feed_dict", None)
        for name, value in (("feed_dict is", fed), ("Optional args are", args or kwargs)):
            if value:
                raise RuntimeError(
                    f"{name} not supported when eager execution is enabled (in this case, sess.run(t) is "
                    "shorthand for t.numpy()"
                )
        return self._test_case.evaluate(fetches)


class EagerSessionWarner:
    """Result of `session` when executing eagerly: every attribute access raises."""

    def __getattr__(self, attr: str) -> Any:
        raise AttributeError(
            "Trying to access properties or call methods on the result of self.session(), "
            "self.cached_session(), etc while eager execution is enabled. Either adapt the test to eager "
            "execution, or insert a call to tf.disable_eager_execution() in the main() function of this "
            "test file."
        )


def _value(tensor: Any) -> Any:
    if isinstance(tensor, (SparseTensor, SparseTensorValue)):
        return SparseTensorValue(
            *(_value(part) for part in (tensor.indices, tensor.values, tensor.dense_shape))
        )
    if isinstance(tensor, (RaggedTensor, RaggedTensorValue)):
        return RaggedTensorValue(_value(tensor.values), _value(tensor.row_splits))
    if isinstance(tensor, IndexedSlices):
        shape = None if tensor.dense_shape is None else _value(tensor.dense_shape)
        return IndexedSlicesValue(_value(tensor.values), _value(tensor.indices), shape)
    if callable(getattr(tensor, "numpy", None)):
        return tensor.numpy()
    return nest.map_structure(lambda part: part.numpy(), tensor, expand_composites=True)


def _finder(pattern: Any) -> Callable[[Exception], bool]:
    def is_found(error: Exception) -> bool:
        if not isinstance(error, errors.OpError):
            return re.search(pattern, str(error)) is not None
        text, op = error.message, error.op
        while op is not None:
            text += f"\nCaused by: {op.name}"
            op = getattr(op, "_original_op", None)
        return re.search(pattern, text) is not None

    return is_found


def _device_name(device: Any) -> str:
    if device is None:
        return ""
    text = device if isinstance(device, str) else device.to_string()
    return DeviceSpec.from_string(text).to_string()


@export("test.main")
def main(argv=None):
    """Runs the tests of the module that is the main program.

    Args:
      argv: the arguments of the command line, by default `sys.argv`.

    >>> callable(tf.test.main)
    True
    """
    benchmarks_main(lambda: absltest.main(argv=argv), argv)


@export("test.disable_with_predicate")
def disable_with_predicate(pred, skip_message):
    """Decorator that skips a test if `pred()` is true.

    Args:
      pred: a function without arguments, called when the test runs.
      skip_message: the reason that is shown.

    Returns:
      The decorator.
    """

    def decorator(function):
        def run(self, *args, **kwargs):
            if pred():
                self.skipTest(skip_message)
            return function(self, *args, **kwargs)

        return run

    return decorator
