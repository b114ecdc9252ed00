"""tf.data.experimental: transformations for `Dataset.apply`. Most are also methods of Dataset."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.array.creation import zeros
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset, derived
from penstock._src.data.functional import interleaved_by_threads
from penstock._src.data.iterator import Optional
from penstock._src.data.traced import trace, trace_state
from penstock._src.data.transforms import int64, seed_pair, static_batch_size
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util import nest
from penstock._src.util.export import export, export_by_name
from penstock._src.util.signatures import named, read_only, spread

Transformation = Callable[[Dataset], Dataset]


# The methods of Dataset that functions apply to a dataset, by the names of the functions.
_METHODS = {
    "bucket_by_sequence_length": "bucket_by_sequence_length",
    "dense_to_ragged_batch": "ragged_batch",
    "dense_to_sparse_batch": "sparse_batch",
    "enumerate_dataset": "enumerate",
    "group_by_window": "group_by_window",
    "ignore_errors": "ignore_errors",
    "rejection_resample": "rejection_resample",
    "scan": "scan",
    "snapshot": "snapshot",
    "take_while": "take_while",
    "unbatch": "unbatch",
    "unique": "unique",
}
for _name in _METHODS:
    export_by_name(__name__, _name, [f"data.experimental.{_name}"])


def __getattr__(name: str) -> Callable[..., Transformation]:
    """Makes the function on first use, with the parameters of the method."""
    if name not in _METHODS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    method = _METHODS[name]

    def transformation(given: dict[str, Any]) -> Transformation:
        return lambda dataset: getattr(dataset, method)(**given)

    own = inspect.signature(getattr(Dataset, method)).parameters.items()
    parameters = {n: p.default for n, p in own if n not in ("self", "name")}
    text = _documentation(method)
    function = globals()[name] = spread(named(transformation, name, text), "given", parameters)
    return function


def _documentation(method: str) -> str:
    """The docstring of a function that applies a method: the method's, but for the first line, the name and the result."""
    first = f"Returns a transformation that does what `Dataset.{method}` does."
    text = inspect.cleandoc(getattr(Dataset, method).__doc__ or "")
    parts = [part for part in text.split("\n\n")[1:] if not part.startswith("Returns:")]
    parts = ["\n".join(n for n in part.split("\n") if "  name: " not in n) for part in parts]
    examples = [part for part in parts if part.startswith(">>>")]
    parts = [part for part in parts if part not in (*examples, "Args:")]
    return "\n\n".join([first, *parts, "Returns:\n  A function for `Dataset.apply`.", *examples])


@export("data.experimental.cardinality")
def cardinality(dataset: Dataset) -> Any:
    """Returns the number of elements, as far as it is known without computing them.

    Args:
      dataset: a dataset.

    Returns:
      An int64 scalar, which may be `tf.data.INFINITE_CARDINALITY` or
      `tf.data.UNKNOWN_CARDINALITY`.

    >>> tf.data.experimental.cardinality(tf.data.Dataset.range(7)).numpy()
    np.int64(7)
    """
    return dataset.cardinality()


@export("data.experimental.assert_cardinality")
def assert_cardinality(expected_cardinality: int) -> Transformation:
    """Returns a transformation that sets the cardinality of a dataset and checks it.

    Args:
      expected_cardinality: the number of elements, or `tf.data.INFINITE_CARDINALITY`.

    Returns:
      A function for `Dataset.apply`.
    """

    def transform(dataset: Dataset) -> Dataset:
        return dataset._same(
            "AssertCardinalityDataset", int64(expected_cardinality, "expected_cardinality")
        )

    return transform


@export("data.experimental.at", v1=[])
def at(dataset: Dataset, index: Any) -> Any:
    """Returns the element at `index`.

    Args:
      dataset: a Dataset whose steps all allow random access.
      index: an int or an int64 scalar.

    Returns:
      An element.
    """
    tensors = raw.GetElementAtIndex(
        dataset=dataset._variant_tensor, index=int64(index, "index"), **dataset._flat_structure
    )
    return structure.from_tensors(dataset.element_spec, tensors)


@export("data.experimental.choose_from_datasets", v1=["data.experimental.choose_from_datasets"])
def choose_from_datasets(
    datasets: Sequence[Dataset], choice_dataset: Dataset, stop_on_empty_dataset: bool = False
) -> Dataset:
    """Returns a dataset; see `Dataset.choose_from_datasets`.

    Args:
      datasets, choice_dataset, stop_on_empty_dataset: as `Dataset.choose_from_datasets`'s.

    Returns:
      A Dataset.
    """
    return Dataset.choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)


@export("data.experimental.sample_from_datasets", v1=["data.experimental.sample_from_datasets"])
def sample_from_datasets(
    datasets: Sequence[Dataset],
    weights: Any = None,
    seed: Any = None,
    stop_on_empty_dataset: bool = False,
) -> Dataset:
    """Returns a dataset; see `Dataset.sample_from_datasets`.

    Args:
      datasets, weights, seed, stop_on_empty_dataset: as `Dataset.sample_from_datasets`'s.

    Returns:
      A Dataset.
    """
    return Dataset.sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)


@export("data.experimental.Counter")
def Counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> Dataset:
    """Returns the endless dataset start, start + step and so on.

    Args:
      start: the first number.
      step: the difference of two numbers.
      dtype: the dtype.

    Returns:
      A `Dataset`.

    >>> list(tf.data.experimental.Counter(10).take(2).as_numpy_iterator())
    [np.int64(10), np.int64(11)]
    """
    return Dataset.counter(start, step, dtype)


@export("data.experimental.load")
def load(
    path: str, element_spec: Any = None, compression: str | None = None, reader_func: Any = None
) -> Dataset:
    """Returns a dataset; see `Dataset.load`.

    Args:
      path, element_spec, compression, reader_func: as `Dataset.load`'s.

    Returns:
      A Dataset.
    """
    return Dataset.load(path, element_spec, compression, reader_func)


@export("data.experimental.from_list")
def from_list(elements: Sequence[Any], name: str | None = None) -> Dataset:
    """Returns the dataset of the given elements, which have the same structure.

    Args:
      elements: a list.
      name: of the operation.

    Returns:
      A Dataset.

    Raises:
      ValueError: the list is empty.
    """
    if not elements:
        raise ValueError("Empty list. `elements` should not be empty.")
    flat: list[Any] = []
    spec: Any = None
    for element in elements:
        value = structure.normalize(element, None if spec is None else spec)
        element_spec = structure.spec_of(value)
        spec = element_spec if spec is None else structure.relaxed(spec, element_spec)
        if spec is None:
            raise ValueError("`elements` must all have the same structure.")
        flat.extend(structure.to_tensors(element_spec, value))
    variant = raw.ListDataset(
        tensors=flat,
        **structure.attributes(spec),
        name=name,
    )
    return derived("_ListDataset", variant, spec)


@export("data.experimental.to_variant")
def to_variant(dataset: Dataset) -> Any:
    """Returns the variant tensor of a dataset.

    Args:
      dataset: a Dataset.

    Returns:
      A variant scalar.
    """
    return dataset._variant_tensor


@export("data.experimental.from_variant")
def from_variant(variant: Any, structure: Any) -> Dataset:
    """Returns the dataset of a variant tensor.

    Args:
      variant: a variant scalar.
      structure: the element_spec.

    Returns:
      A Dataset.
    """
    dataset = derived("_VariantDataset", variant, structure)
    if isinstance(variant, EagerTensor):
        dataset._options_attr = dataset._options_tensor_to_options(dataset._options())
        dataset._options_attr._set_mutable(False)
    return dataset


@export("data.experimental.get_structure")
def get_structure(dataset_or_iterator: Any) -> Any:
    """Returns the element_spec of a dataset or iterator.

    Args:
      dataset_or_iterator: a Dataset or an iterator.

    Returns:
      A structure of TypeSpecs.

    Raises:
      TypeError: it is neither.
    """
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            "`dataset_or_iterator` must be a `tf.data.Dataset` or tf.data.Iterator object, but "
            f"got {type(dataset_or_iterator)}."
        ) from None


@export("data.experimental.get_next_as_optional")
def get_next_as_optional(iterator: Any) -> Optional:
    """Returns the next element; see `tf.data.Iterator.get_next_as_optional`.

    Args:
      iterator: of a dataset.

    Returns:
      A `tf.experimental.Optional`.
    """
    return iterator.get_next_as_optional()


@export("data.experimental.get_single_element")
def get_single_element(dataset: Dataset) -> Any:
    """Returns the only element; see `Dataset.get_single_element`.

    Args:
      dataset: a Dataset of one element.

    Returns:
      The element.
    """
    return dataset.get_single_element()


@export("data.experimental.Reducer")
class Reducer:
    """The three functions of a reduction of grouped elements.

    Args:
      init_func: of a key, an int64 scalar: returns the initial state.
      reduce_func: of a state and an element: returns the next state.
      finalize_func: of the final state, whose components are separate arguments if it is a
        tuple: returns the result.
    """

    def __init__(self, init_func: Any, reduce_func: Any, finalize_func: Any) -> None:
        self._init_func = init_func
        self._reduce_func = reduce_func
        self._finalize_func = finalize_func

    init_func = read_only("_init_func", "The initial state of a key.")
    reduce_func = read_only("_reduce_func", "The next state, from a state and an element.")
    finalize_func = read_only("_finalize_func", "The result, from the final state.")


@export("data.experimental.group_by_reducer")
def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """Returns a transformation to one element per key: the reduction of its elements.

    Args:
      key_func: of an element: returns its key, an int64 scalar.
      reducer: a `tf.data.experimental.Reducer`.

    Returns:
      A function for `Dataset.apply`, which raises ValueError for keys that are not int64 scalars,
      and TypeError for states of other classes or dtypes than the initial one.

    >>> pair = tf.data.experimental.Reducer(
    ...     lambda key: (np.int64(0), 0.0),
    ...     lambda state, x: (state[0] + 1, state[1] + tf.cast(x, tf.float32)),
    ...     lambda count, total: total / tf.cast(count, tf.float32))
    >>> means = tf.data.experimental.group_by_reducer(lambda x: x % 2, pair)
    >>> [float(mean) for mean in tf.data.Dataset.range(5).apply(means)]
    [2.0, 2.0]
    """

    def transform(dataset: Dataset) -> Dataset:
        number = TensorSpec([], dtypes.int64)
        key = trace(key_func, dataset.element_spec, "GroupByKey")
        returned = key.output_spec
        if not (isinstance(returned, TensorSpec) and returned.is_compatible_with(number)):
            raise ValueError(
                "Invalid `key_func`. Expected `key_func` to return a scalar tf.int64 tensor, but "
                f"it returns {returned}."
            )
        start = trace(reducer.init_func, number, "GroupByStart")
        state, reduce = trace_state(
            start.output_spec, reducer.reduce_func, "GroupByReduce", dataset.element_spec
        )
        finish = trace(reducer.finalize_func, state, "GroupByFinish")
        returned = finish.output_spec
        return dataset._of(
            "GroupByReducerDataset",
            returned,
            key.captured,
            start.captured,
            reduce.captured,
            finish.captured,
            key_func=key.function,
            init_func=start.function,
            reduce_func=reduce.function,
            finalize_func=finish.function,
        )

    return transform


@export("data.experimental.save")
def save(
    dataset: Dataset,
    path: str,
    compression: str | None = None,
    shard_func: Any = None,
    checkpoint_args: Any = None,
) -> Any:
    """Writes a dataset; see `Dataset.save`.

    Args:
      dataset: a Dataset.
      path, compression, shard_func, checkpoint_args: as `Dataset.save`'s.

    Returns:
      What `Dataset.save` returns.
    """
    return dataset.save(path, compression, shard_func, checkpoint_args)


@export("data.experimental.map_and_batch")
def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """Returns a transformation: `map`, then `batch`.

    Args:
      map_func: of an element.
      batch_size: an int or an int64 scalar.
      num_parallel_batches: how many batches are computed at a time.
      drop_remainder: whether a last batch with fewer elements is left out.
      num_parallel_calls: how many elements are computed at a time.

    Returns:
      A function for `Dataset.apply`.

    Raises:
      ValueError: both numbers of parallel calls are given.
    """
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError(
            "`map_and_batch` allows only one of `num_parallel_batches` and `num_parallel_calls` to be "
            f"set, but `num_parallel_batches` was set to {num_parallel_batches} and "
            f"`num_parallel_calls` as set to {num_parallel_calls}."
        )

    def transform(dataset: Dataset) -> Dataset:
        traced = trace(map_func, dataset.element_spec, "MapAndBatch")
        spec = structure.batched(traced.output_spec, static_batch_size(batch_size, drop_remainder))
        return dataset._of(
            "MapAndBatchDataset",
            spec,
            traced.captured,
            int64(batch_size, "batch_size"),
            int64(-1 if num_parallel_calls is None else num_parallel_calls, "num_parallel_calls"),
            drop_remainder,
            f=traced.function,
            preserve_cardinality=True,
        )

    return transform


@export("data.experimental.pad_to_cardinality")
def pad_to_cardinality(cardinality: int, mask_key: str = "valid") -> Transformation:
    """Returns a transformation that adds elements of zeros up to a number of elements.

    Args:
      cardinality: the number.
      mask_key: the key that elements, which are dicts, get: a bool, False for those that were
        added.

    Returns:
      A function for `Dataset.apply`.

    Raises:
      ValueError: when the function is applied to a dataset whose elements are not dicts or have unknown sizes, or
        whose cardinality is unknown, infinite or larger.
    """

    def transform(dataset: Dataset) -> Dataset:
        spec = dataset.element_spec
        if not isinstance(spec, dict):
            raise ValueError("`pad_to_cardinality` requires its input dataset to be a dictionary.")
        known = get_static_value(dataset.cardinality())
        if known is not None and known < 0:
            raise ValueError(
                "The dataset passed into `pad_to_cardinality` must have a known cardinalty, but has "
                f"cardinality {known}"
            )
        if known is not None and known > cardinality:
            raise ValueError(
                "The dataset passed into `pad_to_cardinality` must have a cardinalty less than the target "
                f"cardinality ({cardinality}), but has cardinality {known}"
            )

        def real(element: dict[str, Any]) -> dict[str, Any]:
            return {**element, mask_key: np.array(True)}

        blank = {
            **nest.map_structure(lambda one: zeros(one.shape, one.dtype), spec),
            mask_key: np.array(False),
        }
        padding = Dataset.from_tensors(blank).repeat()
        padded = dataset.map(real).concatenate(padding).take(cardinality)
        return padded.apply(assert_cardinality(cardinality))

    return transform


@export("data.experimental.parallel_interleave")
def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: int,
    block_length: int = 1,
    sloppy: bool = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Transformation:
    """Returns a transformation; see `Dataset.interleave` with `num_parallel_calls`.

    Args:
      map_func: of an element: returns a Dataset.
      cycle_length: how many datasets are read at a time.
      block_length: how many elements in a row come from one.
      sloppy: whether a dataset whose element is not ready is passed over.
      buffer_output_elements, prefetch_input_elements: accepted.

    Returns:
      A function for `Dataset.apply`.
    """
    return lambda dataset: interleaved_by_threads(
        dataset, map_func, cycle_length, block_length, sloppy
    )


@export("data.experimental.shuffle_and_repeat")
def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """Returns a transformation: `shuffle`, then `repeat`.

    Args:
      buffer_size: among how many elements each is drawn.
      count: how often the dataset is repeated, at least once; None or -1: without end.
      seed: an int.

    Returns:
      A function for `Dataset.apply`, which raises InvalidArgumentError for a size or count of 0.
    """

    def transformation(dataset: Any) -> Any:
        return dataset._same(
            "ShuffleAndRepeatDataset",
            int64(buffer_size, "buffer_size"),
            *seed_pair(seed),
            int64(-1 if count is None else count, "count"),
        )

    return transformation


@export("data.experimental.TFRecordWriter")
class TFRecordWriter:
    """Writes a dataset of strings to a TFRecord file.

    Args:
      filename: the path.
      compression_type: "", "ZLIB" or "GZIP"; None for "".
    """

    def __init__(self, filename: Any, compression_type: str | None = None) -> None:
        self._filename = convert_to_tensor(filename, dtypes.string, name="filename")
        self._compression = compression_type or ""

    def write(self, dataset: Dataset) -> Any:
        """Writes all elements.

        Args:
          dataset: a Dataset of string scalars.

        Returns:
          The operation that writes them, in a graph.

        Raises:
          TypeError: they are not strings.
        """
        if not isinstance(dataset, Dataset):
            raise TypeError(
                f"Invalid `dataset.` Expected a `tf.data.Dataset` object but got {type(dataset)}."
            )
        if dataset.element_spec != TensorSpec([], dtypes.string):
            raise TypeError(
                "Invalid `dataset`. Expected a dataset of scalar strings. Received elements of "
                f"{dataset.element_spec}."
            )
        return raw.DatasetToTFRecord(
            input_dataset=dataset._variant_tensor,
            filename=self._filename,
            compression_type=self._compression,
        )
