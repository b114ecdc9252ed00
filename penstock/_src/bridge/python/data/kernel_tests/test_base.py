"""`tensorflow.python.data.kernel_tests.test_base`: the base of test cases about datasets."""

import pathlib
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.array.creation import zeros
from penstock._src.api.config import devices
from penstock._src.api.control.scopes import inside_function
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.lookup.tables import (
    KeyValueTensorInitializer,
    TextFileIndex,
    TextFileInitializer,
)
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.ragged_value import RaggedTensorValue
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.api.test.case import TestCase
from penstock._src.bridge.python.data.ops.test_mode import toggle_test_mode
from penstock._src.bridge.python.data.util import nest
from penstock._src.bridge.python.data.util.structure import are_compatible
from penstock._src.bridge.testing.combinations import Combination, combine
from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import CancelledError, OutOfRangeError
from penstock._src.core.registry import raw
from penstock._src.data.dataset import Dataset
from penstock._src.data.experimental.tables import DatasetInitializer
from penstock._src.data.experimental.transforms import at, from_variant
from penstock._src.v1.inputs.datasets import (
    get_output_shapes,
    make_initializable_iterator,
    make_one_shot_iterator,
)

_DELAYS = (10, 100, 1_000, 20_000, 100_000)  # milliseconds, until elements come in another order
_BOTH = ["eager", "graph"]


def default_test_combinations() -> list[Combination]:
    """Returns both versions of TensorFlow, eagerly and in graphs."""
    return combine(tf_api_version=[1, 2], mode=_BOTH)


def eager_only_combinations() -> list[Combination]:
    """Returns both versions of TensorFlow, eagerly."""
    return combine(tf_api_version=[1, 2], mode="eager")


def graph_only_combinations() -> list[Combination]:
    """Returns both versions of TensorFlow, in graphs."""
    return combine(tf_api_version=[1, 2], mode="graph")


def v1_only_combinations() -> list[Combination]:
    """Returns TensorFlow 1, eagerly and in graphs."""
    return combine(tf_api_version=1, mode=_BOTH)


def v2_only_combinations() -> list[Combination]:
    """Returns TensorFlow 2, eagerly and in graphs."""
    return combine(tf_api_version=2, mode=_BOTH)


def v2_eager_only_combinations() -> list[Combination]:
    """Returns TensorFlow 2, eagerly."""
    return combine(tf_api_version=2, mode="eager")


class DatasetTestBase(TestCase):
    """A test case with comparisons of datasets, which run eagerly, in functions and in graphs."""

    def setUp(self) -> None:
        """Makes pipelines start their threads as tests expect it."""
        super().setUp()
        toggle_test_mode(True)

    def getNext(
        self, dataset: Any, requires_initialization: bool = False, shared_name: str | None = None
    ) -> Callable[[], Any]:
        """Returns a function that gives the next element; a TensorArray is stacked.

        Args:
          dataset: a Dataset.
          requires_initialization: in a graph, takes an iterator that is initialized, as datasets with state need it.
          shared_name: of that iterator's resource.
        """
        if STATE.graph is None or inside_function():
            return _stacking(iter(dataset)._next_internal)
        if requires_initialization:
            iterator = make_initializable_iterator(dataset, shared_name)
            self.evaluate(iterator.initializer)
        else:
            iterator = make_one_shot_iterator(dataset)
        element = iterator.get_next()
        return _stacking(lambda: element)

    def getIteratorOutput(self, get_next: Callable[[], Any]) -> list[Any]:
        """Returns all elements that a function gives until the end, as NumPy arrays."""
        elements = []
        while True:
            try:
                elements.append(self.evaluate(get_next()))
            except OutOfRangeError:
                return elements

    def getDatasetOutput(self, dataset: Any, requires_initialization: bool = False) -> list[Any]:
        """Returns all elements of a dataset, as NumPy arrays."""
        return self.getIteratorOutput(self.getNext(dataset, requires_initialization))

    def assertValuesEqual(self, expected: Any, actual: Any) -> None:
        """Fails unless two values are equal: arrays, sparse values, or dicts of these."""
        if isinstance(expected, dict):
            self.assertCountEqual(list(expected), list(actual))
            for key, value in expected.items():
                self.assertValuesEqual(value, actual[key])
        elif _is_sparse(expected):
            for part in ("indices", "values", "dense_shape"):
                self.assertAllEqual(getattr(expected, part), getattr(actual, part))
        else:
            self.assertAllEqual(expected, actual)

    def assertDatasetProduces(
        self,
        dataset: Any,
        expected_output: Sequence[Any] | None = None,
        expected_shapes: Any = None,
        expected_error: tuple[Any, Any] | None = None,
        requires_initialization: bool = False,
        num_test_iterations: int = 1,
        assert_items_equal: bool = False,
        expected_error_iter: int = 1,
    ) -> None:
        """Fails unless a dataset has these elements, or raises this error.

        Args:
          dataset: a Dataset.
          expected_output: all of its elements.
          expected_shapes: their shapes, as `tf.compat.v1.data.get_output_shapes` gives them.
          expected_error: its class, and an expression that its message matches or a predicate of it.
          requires_initialization: see `getNext`.
          num_test_iterations: how often the elements are read.
          assert_items_equal: takes elements in any order.
          expected_error_iter: how many elements are asked for until the error.
        """
        is_one = (expected_output is None) != (not expected_error)
        self.assertTrue(is_one, "Exactly one of expected_output or expected_error is needed.")
        if expected_error:
            with self.assertRaisesWithPredicateMatch(*expected_error):
                get_next = self.getNext(dataset, requires_initialization)
                for _ in range(expected_error_iter):
                    self.evaluate(get_next())
            return
        if expected_shapes:
            self.assertEqual(expected_shapes, get_output_shapes(dataset))
        self.assertGreater(num_test_iterations, 0)
        expected = () if expected_output is None else expected_output
        for _ in range(num_test_iterations):
            get_next = self.getNext(dataset, requires_initialization)
            elements = self._elements(get_next, len(expected))
            self._compareOutputToExpected(elements, expected, assert_items_equal)
            for _ in range(2):  # the end stays the end
                with self.assertRaises(OutOfRangeError):
                    self.evaluate(get_next())

    def _elements(self, get_next: Callable[[], Any], count: int) -> list[Any]:
        elements: list[Any] = []
        for _ in range(count):
            try:
                elements.append(self.evaluate(get_next()))
            except OutOfRangeError:
                self.fail(
                    f"The dataset ended after {len(elements)} elements of {count}: {elements}"
                )
        return elements

    def _compareOutputToExpected(
        self, result_values: Sequence[Any], expected_values: Sequence[Any], assert_items_equal: bool
    ) -> None:
        """Fails unless elements have the structures and values that are expected."""
        if assert_items_equal:
            self.assertCountEqual(result_values, expected_values)
            return
        for element, expected in zip(result_values, expected_values, strict=True):
            nest.assert_same_structure(element, expected)
            for a, b in zip(nest.flatten(element), nest.flatten(expected), strict=True):
                self.assertValuesEqual(b, a)

    def assertDatasetsEqual(self, dataset1: Any, dataset2: Any) -> None:
        """Fails unless two datasets have compatible types, and elements that are equal, or close if they are numbers."""
        self.assertTrue(are_compatible(dataset1.element_spec, dataset2.element_spec))
        next1, next2 = self.getNext(dataset1), self.getNext(dataset2)
        while True:
            try:
                element = self.evaluate(next1())
            except OutOfRangeError:
                with self.assertRaises(OutOfRangeError):
                    self.evaluate(next2())
                return
            other = self.evaluate(next2())
            for a, b in zip(nest.flatten(element), nest.flatten(other), strict=True):
                if _is_sparse(a) or isinstance(a, (RaggedTensor, RaggedTensorValue)):
                    self.assertValuesEqual(a, b)
                elif self._GetNdArray(a).dtype.kind in "OSU":
                    self.assertAllEqual(a, b)
                else:
                    self.assertAllClose(a, b)

    def assertDatasetsRaiseSameError(
        self,
        dataset1: Any,
        dataset2: Any,
        exception_class: Any,
        replacements: Sequence[tuple[str, str, int]] | None = None,
    ) -> None:
        """Fails unless the first elements of two datasets raise errors of this class with one message.

        Args:
          dataset1: a Dataset.
          dataset2: another one.
          exception_class: of the errors.
          replacements: (old, new, count) of what differs between the messages.
        """
        next1, next2 = self.getNext(dataset1), self.getNext(dataset2)
        with self.assertRaises(exception_class) as caught:
            self.evaluate(next1())
        message = caught.exception.message
        for old, new, count in replacements or ():
            message = message.replace(old, new, count)
        with self.assertRaisesRegex(exception_class, re.escape(message)):
            self.evaluate(next2())

    def assert_op_cancelled(self, op: Any) -> None:
        """Fails unless an operation raises CancelledError."""
        with self.assertRaises(CancelledError):
            self.evaluate(op)

    def verifyRandomAccess(self, dataset: Any, expected: Sequence[Any]) -> None:
        """Fails unless elements are as expected in any order of access, and there are no more."""
        self.verifyRandomAccessInfiniteCardinality(dataset, expected)
        with self.assertRaises(OutOfRangeError):
            self.evaluate(at(dataset, index=len(expected)))

    def verifyRandomAccessInfiniteCardinality(self, dataset: Any, expected: Sequence[Any]) -> None:
        """Fails unless the first elements are as expected in any order of access."""
        shuffled = random.sample([*range(len(expected))] * 2, 2 * len(expected))
        for index in [*shuffled, *range(len(expected))]:
            self.assertAllEqual(expected[index], self.evaluate(at(dataset, index)))

    def checkDeterminism(
        self,
        dataset_fn: Callable[[int], Any],
        expect_determinism: bool,
        expected_elements: Sequence[Any],
    ) -> None:
        """Fails unless the order of elements depends on how long the first one takes, or does not.

        Args:
          dataset_fn: a function of milliseconds that returns a dataset whose first element takes that time.
          expect_determinism: whether the order must stay.
          expected_elements: the elements in their order.
        """
        if expect_determinism:
            self.assertAllEqual(expected_elements, self.getDatasetOutput(dataset_fn(100)))
            return
        for delay in _DELAYS:
            elements = self.getDatasetOutput(dataset_fn(delay))
            self.assertCountEqual(expected_elements, elements)
            if any(a != b for a, b in zip(elements, expected_elements, strict=True)):
                return
        self.fail("The order of elements was never another one.")

    def structuredDataset(
        self, dataset_structure: Any, shape: Any = None, dtype: Any = dtypes.int64
    ) -> Dataset:
        """Returns a dataset of one element of zeros: nested tuples as those of `dataset_structure`, a tensor for each None."""
        if dataset_structure is None:
            return Dataset.from_tensors(zeros(shape or [], dtype=dtype))
        parts = [self.structuredDataset(part, shape, dtype) for part in dataset_structure]
        return Dataset.zip(tuple(parts))

    def structuredElement(
        self, element_structure: Any, shape: Any = None, dtype: Any = dtypes.int64
    ) -> Any:
        """Returns zeros in nested tuples, as those of `structuredDataset`."""
        if element_structure is None:
            return zeros(shape or [], dtype=dtype)
        return tuple([self.structuredElement(part, shape, dtype) for part in element_structure])

    def graphRoundTrip(self, dataset: Any, allow_stateful: bool = False) -> Dataset:
        """Returns the dataset of a dataset's graph."""
        graph = dataset._as_serialized_graph(allow_stateful, external_state_policy=None)
        return from_variant(raw.DatasetFromGraph(graph_def=graph), dataset.element_spec)

    def lookupTableInitializer(self, init_source: str, vals: Sequence[Any]) -> Any:
        """Returns the initializer of a table from 0, 1, ... to values.

        Args:
          init_source: where they stand: "textfile", "keyvaluetensor" or "dataset".
          vals: the values.

        Raises:
          ValueError: another source.
        """
        sources = {
            "textfile": self.textFileInitializer,
            "keyvaluetensor": self.keyValueTensorInitializer,
            "dataset": self.datasetInitializer,
        }
        if init_source not in sources:
            raise ValueError(f"Unrecognized init_source: {init_source}")
        return sources[init_source](vals)

    def textFileInitializer(self, vals: Sequence[int]) -> TextFileInitializer:
        """Returns an initializer from line numbers to a file's lines, which are int64."""
        path = pathlib.Path(self.get_temp_dir()) / "text_file_initializer"
        path.write_text("".join(f"{value}\n" for value in vals))
        line, whole = TextFileIndex.LINE_NUMBER, TextFileIndex.WHOLE_LINE
        return TextFileInitializer(str(path), dtypes.int64, line, dtypes.int64, whole)

    def keyValueTensorInitializer(self, vals: Sequence[Any]) -> KeyValueTensorInitializer:
        """Returns an initializer from positions to values."""
        return KeyValueTensorInitializer(range(len(vals)), vals, key_dtype=dtypes.int64)

    def datasetInitializer(self, vals: Sequence[Any]) -> DatasetInitializer:
        """Returns an initializer from positions to values, which a dataset gives."""
        pairs = Dataset.range(len(vals)), Dataset.from_tensor_slices(vals)
        return DatasetInitializer(Dataset.zip(pairs))

    def configureDevicesForMultiDeviceTest(self, num_devices: int) -> list[str]:
        """Makes logical devices of the CPU, and returns their names; the last is a GPU if there is one."""
        cpu = devices.list_physical_devices("CPU")[0]
        parts = [devices.LogicalDeviceConfiguration() for _ in range(num_devices)]
        devices.set_logical_device_configuration(cpu, parts)
        names = [f"/device:CPU:{number}" for number in range(num_devices)]
        if devices.list_physical_devices("GPU"):
            names[-1] = "/device:GPU:0"
        return names


def _stacking(get_next: Callable[[], Any]) -> Callable[[], Any]:
    """Returns a function that gives the same, and a TensorArray's tensors as one."""

    def stacked() -> Any:
        element = get_next()
        return element.stack() if isinstance(element, TensorArray) else element

    return stacked


def _is_sparse(value: Any) -> bool:
    return isinstance(value, (SparseTensor, SparseTensorValue))
