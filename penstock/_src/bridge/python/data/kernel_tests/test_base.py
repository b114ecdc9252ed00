"""`tensorflow.python.data.kernel_tests.test_base`: the base of test cases about datasets."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.test.case import TestCase
from penstock._src.util import nest


class DatasetTestBase(TestCase):
    """A test case with comparisons of datasets."""

    def getNext(
        self, dataset: Any, requires_initialization: bool = False, shared_name: str | None = None
    ) -> Any:
        """Returns a function that gives the next element."""
        iterator = iter(dataset)
        return lambda: next(iterator)

    def getDatasetOutput(self, dataset: Any, requires_initialization: bool = False) -> list[Any]:
        """Returns all elements, as NumPy arrays."""
        return [self.evaluate(element) for element in dataset]

    def assertDatasetProduces(
        self,
        dataset: Any,
        expected_output: Sequence[Any] | None = None,
        expected_error: tuple[Any, str] | None = None,
        assert_items_equal: bool = False,
    ) -> None:
        """Fails unless a dataset has these elements, or raises this error."""
        if expected_error is not None:
            with self.assertRaisesRegex(*expected_error):
                self.getDatasetOutput(dataset)
            return
        found, expected = self.getDatasetOutput(dataset), list(expected_output or ())
        self.assertLen(found, len(expected))
        if assert_items_equal:
            self.assertCountEqual(map(repr, found), map(repr, expected))
            return
        for one, other in zip(found, expected, strict=True):
            for a, b in zip(nest.flatten(one), nest.flatten(other), strict=True):
                self.assertAllEqual(a, b)
