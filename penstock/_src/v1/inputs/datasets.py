"""tf.compat.v1.data: datasets with initializable iterators."""

import functools
import operator
import warnings
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.tensor_array import TensorArraySpec
from penstock._src.api.ragged.ragged_tensor import RaggedTensorSpec
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorSpec, SparseTensorValue
from penstock._src.core import dispatch, dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import readers, structure
from penstock._src.data.dataset import Dataset, derived
from penstock._src.data.experimental import classes
from penstock._src.data.iterator import OwnedIterator
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

Structure = Any

# The collection of a graph's iterators, which savers and tools look up.
GLOBAL_ITERATORS = "iterators"
# More calls of `get_next` than this are assumed to be a loop over the elements.
GET_NEXT_CALL_WARNING_THRESHOLD = 32
GET_NEXT_CALL_WARNING_MESSAGE = (
    "`Iterator.get_next()` was called many times. Each call adds an operation to the graph: call it once, before the loop "
    "over the elements, and run what it returned in the loop."
)


@export(v1=["data.get_output_types"])
def get_output_types(dataset_or_iterator: Any) -> Structure:
    """Returns the dtypes of the elements."""
    spec = dataset_or_iterator.element_spec
    return nest.map_structure(lambda part: getattr(part, "dtype", dtypes.variant), spec)


@export(v1=["data.get_output_shapes"])
def get_output_shapes(dataset_or_iterator: Any) -> Structure:
    """Returns the shapes of the elements."""
    spec = dataset_or_iterator.element_spec
    return nest.map_structure(lambda part: getattr(part, "shape", TensorShape([])), spec)


@export(v1=["data.get_output_classes"])
def get_output_classes(dataset_or_iterator: Any) -> Structure:
    """Returns the classes of the elements."""
    spec = dataset_or_iterator.element_spec
    return nest.map_structure(lambda part: part.value_type, spec)


_TYPES = property(get_output_types, doc="The dtypes of the elements.")
_SHAPES = property(get_output_shapes, doc="The shapes of the elements.")
_CLASSES = property(get_output_classes, doc="The classes of the elements.")


@export(v1=["data.Iterator"])
class Iterator:
    """An iterator over a dataset in a graph: run `initializer`, then the tensors of `get_next()`."""

    def __init__(
        self,
        iterator_resource: Any,
        initializer: Any,
        output_types: Structure,
        output_shapes: Structure,
        output_classes: Structure,
    ) -> None:
        spec = _legacy_spec(output_types, output_shapes, output_classes)
        self._begin(iterator_resource, initializer, spec)

    def _begin(self, resource: Any, initializer: Any, spec: Structure) -> None:
        self._iterator_resource, self._initializer = resource, initializer
        self._element_spec = spec
        self._string_handle = raw.IteratorToStringHandle(resource_handle=resource)
        self._get_next_call_count = 0
        if STATE.graph is not None:
            STATE.graph.add_to_collection(GLOBAL_ITERATORS, resource)

    @classmethod
    def _make(cls, resource: Any, initializer: Any, spec: Structure) -> "Iterator":
        iterator = cls.__new__(cls)
        iterator._begin(resource, initializer, spec)
        return iterator

    @staticmethod
    def from_structure(
        output_types: Structure,
        output_shapes: Structure = None,
        shared_name: str | None = None,
        output_classes: Structure = None,
    ) -> "Iterator":
        """Returns an iterator that `make_initializer` binds to a dataset.

        Raises:
          TypeError: types, shapes and classes have different structures.
        """
        spec = _legacy_spec(output_types, output_shapes, output_classes)
        return Iterator._make(_resource(spec, shared_name), None, spec)

    @staticmethod
    def from_string_handle(
        string_handle: Any,
        output_types: Structure,
        output_shapes: Structure = None,
        output_classes: Structure = None,
    ) -> "Iterator":
        """Returns the iterator of a string handle."""
        spec = _legacy_spec(output_types, output_shapes, output_classes)
        resource = raw.IteratorFromStringHandleV2(
            string_handle=convert_to_tensor(string_handle, dtype=dtypes.string),
            **structure.attributes(spec),
        )
        return Iterator._make(resource, None, spec)

    @property
    def initializer(self) -> Any:
        """The operation that starts the iteration.

        Raises:
          ValueError: the iterator has no dataset.
        """
        if self._initializer is None:
            raise ValueError("The iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Dataset, name: str | None = None) -> Any:
        """Returns the operation that starts an iteration over `dataset`.

        Raises:
          ValueError: its elements have another structure than the iterator's.
          TypeError: they have other types, or shapes that are not compatible.
        """
        nest.assert_same_structure(self._element_spec, dataset.element_spec)
        self._check("types", "", get_output_types, dataset, operator.eq)
        self._check("shapes", "compatible with ", get_output_shapes, dataset, _compatible)
        self._check("classes", "", get_output_classes, dataset, operator.is_)
        return raw.MakeIterator(
            dataset=dataset._variant_tensor, iterator=self._iterator_resource, name=name
        )

    def _check(self, what: str, how: str, part_of: Any, dataset: Dataset, fits: Any) -> None:
        wanted, actual = part_of(self), part_of(dataset)
        pairs = zip(structure.leaves(wanted), structure.leaves(actual), strict=True)
        if not all(fits(*pair) for pair in pairs):
            raise TypeError(
                f"Expected output {what} {how}{wanted!r} but got dataset with output {what} {actual!r}."
            )

    def get_next(self, name: str | None = None) -> Any:
        """Returns the tensors of the next element: those of the same operation may be used for all elements."""
        self._get_next_call_count += 1
        if self._get_next_call_count > GET_NEXT_CALL_WARNING_THRESHOLD:
            warnings.warn(GET_NEXT_CALL_WARNING_MESSAGE, stacklevel=2)
        tensors = raw.IteratorGetNext(
            iterator=self._iterator_resource,
            **structure.attributes(self._element_spec),
            name=name,
        )
        return structure.from_tensors(self._element_spec, tensors)

    def get_next_as_optional(self) -> Any:
        """Returns the next element as an optional."""
        return OwnedIterator(
            components=self._iterator_resource, element_spec=self._element_spec
        ).get_next_as_optional()

    def string_handle(self, name: str | None = None) -> Any:
        """Returns the string handle of this iterator, a tensor."""
        if name is None:
            return self._string_handle
        return raw.IteratorToStringHandle(resource_handle=self._iterator_resource, name=name)

    element_spec = read_only("_element_spec", "The structure of TypeSpecs of the elements.")

    output_types, output_shapes, output_classes = _TYPES, _SHAPES, _CLASSES


def _legacy_spec(types: Structure, shapes: Structure, classes: Structure) -> Structure:
    """The specs of elements with these dtypes, shapes (by default unknown) and classes (by default tensors)."""
    if shapes is None:
        shapes = nest.map_structure(lambda _: TensorShape(None), types)
    leaves = structure.leaves(shapes)
    if len(leaves) != len(nest.flatten(types)):
        raise TypeError(
            f"The dtypes and shapes of elements must have one structure. Received {types}, {shapes}"
        )
    if classes is None:
        classes = nest.map_structure(lambda _: Tensor, types)
    parts = zip(nest.flatten(types), leaves, nest.flatten(classes), strict=True)
    return nest.pack_sequence_as(types, [_spec_of(*part) for part in parts])


def _spec_of(dtype: Any, shape: Any, kind: Any) -> Any:
    if isinstance(kind, TypeSpec):
        return kind
    return SparseTensorSpec(shape, dtype) if kind is SparseTensor else TensorSpec(shape, dtype)


def _compatible(shape: Any, other: Any) -> bool:
    return TensorShape(shape).is_compatible_with(other)


def _resource(spec: Structure, shared_name: str | None) -> Any:
    return raw.IteratorV2(
        shared_name=shared_name or STATE.graph.unique_name("iterator") if STATE.graph else "",
        container="",
        **structure.attributes(spec),
    )


@export(v1=["data.make_initializable_iterator"])
def make_initializable_iterator(dataset: Dataset, shared_name: str | None = None) -> Iterator:
    """Returns an iterator with an `initializer` that must run first.

    Raises:
      RuntimeError: executing eagerly.
    """
    if STATE.graph is None:
        raise RuntimeError(
            "dataset.make_initializable_iterator is not supported when eager execution is enabled. "
            "Use `for element in dataset` instead."
        )
    spec = dataset.element_spec
    resource = _resource(spec, shared_name)
    initializer = raw.MakeIterator(dataset=dataset._variant_tensor, iterator=resource)
    return Iterator._make(resource, initializer, spec)


@export(v1=["data.make_one_shot_iterator"])
def make_one_shot_iterator(dataset: Dataset) -> Any:
    """Returns an iterator that needs no initialization.

    Raises:
      ValueError: the dataset depends on a variable, a table or a placeholder of the graph.
    """
    if STATE.graph is None:
        return OwnedIterator(dataset)
    spec = dataset.element_spec
    factory = FuncGraph("dataset_factory", capture_by_value=True)
    try:
        with dispatch.building(factory):
            factory.outputs = [factory.local(dataset._variant_tensor)]
    except ValueError as error:
        raise ValueError(
            f"{error} A likely cause of this error is that the dataset for which you are calling "
            "`make_one_shot_iterator()` captures a stateful object, such as a `tf.Variable` or "
            "`tf.lookup.StaticHashTable`, which is not supported. Use `make_initializable_iterator()` "
            "instead."
        ) from error
    resource = raw.OneShotIterator(
        dataset_factory=GraphFunction(factory),
        **structure.attributes(spec),
        shared_name=STATE.graph.unique_name("one_shot_iterator"),
    )
    return Iterator._make(resource, None, spec)


@export(v1=["data.Dataset"])
class DatasetV1(Dataset):
    """A dataset as in TensorFlow 1: `tf.data.Dataset` with iterators for sessions.

    A subclass defines `_as_variant_tensor()` and `element_spec`.
    """

    def __init__(self) -> None:
        super().__init__(self._as_variant_tensor())

    def _as_variant_tensor(self) -> Any:
        """The variant tensor of the dataset."""
        raise NotImplementedError(f"{type(self).__name__}.as_variant_tensor()")

    @staticmethod
    def _derived(kind: str, variant: Any, spec: Any, *sources: Any) -> Any:
        return derived(kind, variant, spec, *sources, base=DatasetV1)

    def make_one_shot_iterator(self) -> Any:
        """Returns an iterator that needs no initialization."""
        return make_one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """Returns an iterator with an `initializer` that must run first."""
        return make_initializable_iterator(self, shared_name)

    output_types, output_shapes, output_classes = _TYPES, _SHAPES, _CLASSES

    def map_with_legacy_function(
        self,
        map_func: Any,
        num_parallel_calls: Any = None,
        deterministic: Any = None,
        use_unbounded_threadpool: bool = False,
    ) -> Any:
        """The same as `map`."""
        return self.map(map_func, num_parallel_calls, deterministic)

    def filter_with_legacy_function(self, predicate: Any) -> Any:
        """The same as `filter`."""
        return self.filter(predicate)


def _as_v1(make: Callable[..., Dataset]) -> Any:
    """Wraps a function that creates a dataset so that it returns a DatasetV1."""

    @functools.wraps(make)
    def source(*args: Any, **kwargs: Any) -> Dataset:
        dataset = make(*args, **kwargs)
        return DatasetV1._derived(
            "DatasetV1Adapter", dataset._variant_tensor, dataset.element_spec, dataset
        )

    return staticmethod(source)


for _name in (
    "from_tensors from_tensor_slices from_generator range zip list_files random counter load "
    "sample_from_datasets choose_from_datasets"
).split():
    setattr(DatasetV1, _name, _as_v1(getattr(Dataset, _name)))


def _from_sparse_tensor_slices(sparse_tensor: Any) -> DatasetV1:
    """A dataset of the rows of a sparse tensor as (indices, values, shape).

    Raises:
      TypeError: the argument is not a SparseTensor.
    """
    if not isinstance(sparse_tensor, (SparseTensor, SparseTensorValue)):
        raise TypeError(
            "Invalid `sparse_tensor`. `sparse_tensor` must be a `tf.sparse.SparseTensor`. Got "
            f"{type(sparse_tensor)}."
        )
    if isinstance(sparse_tensor, SparseTensorValue):
        sparse_tensor = SparseTensor.from_value(sparse_tensor)
    variant = raw.SparseTensorSliceDataset(
        indices=sparse_tensor.indices,
        values=sparse_tensor.values,
        dense_shape=sparse_tensor.dense_shape,
    )
    rank = sparse_tensor.dense_shape.shape[0]
    inner = None if rank is None else rank - 1
    spec = (
        TensorSpec([None, inner], dtypes.int64),
        TensorSpec([None], sparse_tensor.dtype),
        TensorSpec([inner], dtypes.int64),
    )
    return DatasetV1._derived("SparseTensorSliceDataset", variant, spec)


DatasetV1.from_sparse_tensor_slices = staticmethod(_from_sparse_tensor_slices)  # type: ignore[attr-defined]


@export(v1=["data.experimental.map_and_batch_with_legacy_function"])
def map_and_batch_with_legacy_function(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Callable[[Any], Any]:
    """See `tf.data.experimental.map_and_batch`.

    Raises:
      ValueError: both kinds of parallelism are given.
    """
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError(
            "`map_and_batch_with_legacy_function` allows only one of `num_parallel_batches` and "
            "`num_parallel_calls` to be set, but `num_parallel_batches` was set to "
            f"{num_parallel_batches} and `num_parallel_calls` as set to {num_parallel_calls}."
        )
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(
        batch_size, drop_remainder
    )


@export(v1=["data.experimental.TensorStructure"])
def tensor_structure(dtype: Any, shape: Any) -> TensorSpec:
    """The TensorSpec of a dtype and shape."""
    return TensorSpec(shape, dtype)


@export(v1=["data.experimental.SparseTensorStructure"])
def sparse_tensor_structure(dtype: Any, shape: Any) -> Any:
    """The SparseTensorSpec of a dtype and shape."""
    return SparseTensorSpec(shape, dtype)


@export(v1=["data.experimental.RaggedTensorStructure"])
def ragged_tensor_structure(dtype: Any, shape: Any, ragged_rank: int) -> Any:
    """The RaggedTensorSpec of a dtype, shape and ragged rank."""
    return RaggedTensorSpec(shape, dtype, ragged_rank)


@export(v1=["data.experimental.TensorArrayStructure"])
def tensor_array_structure(
    dtype: Any, element_shape: Any, dynamic_size: bool, infer_shape: bool
) -> Any:
    """The TensorArraySpec of the elements' dtype and shape."""
    return TensorArraySpec(element_shape, dtype, dynamic_size, infer_shape)


@export(v1=["data.TextLineDataset"])
class TextLineDatasetV1(readers.TextLineDataset, DatasetV1):
    """The lines of text files, without line breaks."""


@export(v1=["data.TFRecordDataset"])
class TFRecordDatasetV1(readers.TFRecordDataset, DatasetV1):
    """The records of TFRecord files."""


@export(v1=["data.FixedLengthRecordDataset"])
class FixedLengthRecordDatasetV1(readers.FixedLengthRecordDataset, DatasetV1):
    """The records of files with records of fixed length."""


@export(v1=["data.experimental.CsvDataset"])
class CsvDatasetV1(classes.CsvDataset, DatasetV1):
    """The rows of files of comma-separated values."""


@export(v1=["data.experimental.RandomDataset"])
class RandomDatasetV1(classes.RandomDataset, DatasetV1):
    """An endless dataset of pseudorandom numbers."""


@export(v1=["data.experimental.SqlDataset"])
class SqlDatasetV1(classes.SqlDataset, DatasetV1):
    """SqlDataset with the methods of v1."""
