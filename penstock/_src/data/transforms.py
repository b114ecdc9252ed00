"""Methods of Dataset that select, repeat, batch or reorder elements."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.random.seeds import get_seed
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.data.batching.padding import padded_specs, padding_constants, padding_shapes
from penstock._src.data.batching.ragged import ragged_batch, sparse_batch
from penstock._src.data.experimental.debug_mode import DEBUG_MODE, parallel_calls
from penstock._src.data.options import UNKNOWN_CARDINALITY, Options
from penstock._src.data.traced import trace
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest


def int64(value: Any, argument: str = "") -> Tensor:
    """`value` as an int64 tensor; errors name the argument of the user's call, if there is one."""
    try:
        return convert_to_tensor(value, dtype=dtypes.int64)
    except (TypeError, ValueError) as error:
        if argument:
            error.args = (f"{error} (argument '{argument}')",)
        raise


def static_int(value: Any) -> int | None:
    """The static value of an integer, or None."""
    if isinstance(value, EagerTensor):
        return int(value._value)
    return None if isinstance(value, Tensor) else int(value)


def seed_pair(seed: Any) -> tuple[Any, Any]:
    """The two int64 seeds of a dataset op, derived from its seed and the global one."""
    first, second = get_seed(seed)
    if first is None:
        return np.int64(0), np.int64(0)
    if not isinstance(second, Tensor) and first == second == 0:
        second = 2**31 - 1
    return int64(first, "seed"), int64(second, "seed")


# The attribute `deterministic` of ops.
ORDER = {None: "default", True: "true", False: "false"}


class Transforms:
    """The methods of Dataset that take no user function."""

    element_spec: Any
    _variant_tensor: Any
    _flat_structure: Any
    options: Callable[[], Options]
    _derived: Callable[..., Any]
    _spec_of_datasets: Callable[[Any], Any]

    def _same(self, op: str, *inputs: Any, kind: str | None = None, **attrs: Any) -> Any:
        """Applies the dataset op `op`, which preserves the element structure."""
        variant = getattr(raw, op)(self._variant_tensor, *inputs, **self._flat_structure, **attrs)
        return self._derived(kind or f"_{op}", variant, self.element_spec, self)

    def _of(self, op: str, spec: Any, *inputs: Any, kind: str | None = None, **attrs: Any) -> Any:
        """Apply the dataset op `op`, which gives elements of structure `spec`."""
        variant = getattr(raw, op)(
            self._variant_tensor,
            *inputs,
            **structure.attributes(spec),
            **attrs,
        )
        return self._derived(kind or f"_{op}", variant, spec, self)

    # -- selecting and repeating

    @shortening
    def take(self, count: Any, name: str | None = None) -> Any:
        """Returns the dataset of the first elements.

        Args:
          count: how many; -1 for all.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        return self._same("TakeDataset", int64(count, "count"), name=name)

    @shortening
    def skip(self, count: Any, name: str | None = None) -> Any:
        """Returns the dataset without its first elements.

        Args:
          count: how many; -1 for all.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        return self._same("SkipDataset", int64(count, "count"), name=name)

    @shortening
    def repeat(self, count: Any = None, name: str | None = None) -> Any:
        """Returns the dataset several times in a row.

        Args:
          count: how many times; None or -1 without end.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        return self._same(
            "RepeatDataset", int64(-1 if count is None else count, "count"), name=name
        )

    @shortening
    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Any:
        """Returns every n-th element.

        To divide work by files, shard the file names before they are read.

        Args:
          num_shards: n.
          index: the first element, from 0 to n - 1.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          InvalidArgumentError: a number is out of range.
        """
        return self._same(
            "ShardDataset", int64(num_shards, "num_shards"), int64(index, "index"), name=name
        )

    @shortening
    def concatenate(self, dataset: Any, name: str | None = None) -> Any:
        """Returns these elements, then those of another dataset.

        Args:
          dataset: a dataset with elements of the same structure and dtypes.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: the elements differ.
        """
        spec = structure.relaxed(self.element_spec, dataset.element_spec)
        if spec is None:
            raise TypeError(
                "Incompatible dataset elements:\n"
                f"  {self.element_spec} vs.   {dataset.element_spec}"
            )
        joined = self._of("ConcatenateDataset", spec, dataset._variant_tensor, name=name)
        return self._derived("_ConcatenateDataset", joined._variant_tensor, spec, self, dataset)

    @shortening
    def unique(self, name: str | None = None) -> Any:
        """Returns the distinct elements, in order of their first appearance.

        Args:
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: the elements are not int32, int64 or strings.
        """
        for part in structure.flat_specs(self.element_spec):
            if part.dtype not in (dtypes.int32, dtypes.int64, dtypes.string):
                raise TypeError(
                    f"`tf.data.Dataset.unique` does not support type {part.dtype!r} -- only "
                    "`tf.int32`, `tf.int64`, and `tf.string` are supported."
                )
        return self._same("UniqueDataset", name=name)

    @shortening
    def enumerate(self, start: Any = 0, name: str | None = None) -> Any:
        """Returns pairs of number and element.

        Args:
          start: the first number.
          name: a name for the operation.

        Returns:
          A `Dataset` of pairs, the number being int64.
        """
        counted = _range(start)
        spec = (TensorSpec([], dtypes.int64), self.element_spec)
        variant = raw.ZipDataset(
            input_datasets=[counted, self._variant_tensor],
            **structure.attributes(spec),
            name=name,
        )
        return self._derived("_ZipDataset", variant, spec, self)

    @shortening
    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """Returns what a function makes of this dataset.

        Args:
          transformation_func: a function that takes and returns a dataset.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: it returns something else.
        """
        transformed = transformation_func(self)
        if not isinstance(transformed, Transforms):
            raise TypeError(
                f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(transformed)}."
            )
        return transformed

    @shortening
    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Any:
        """Returns the dataset without elements that raise an error.

        Args:
          log_warning: whether a warning is written for each.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        return self._same("IgnoreErrorsDataset", log_warning=log_warning, name=name)

    # -- order and time

    @shortening
    def shuffle(
        self,
        buffer_size: Any,
        seed: Any = None,
        reshuffle_each_iteration: bool | None = True,
        name: str | None = None,
    ) -> Any:
        """Returns the elements in random order.

        Each is drawn from a buffer, which the next element of the input fills again. For an order
        in which all orders are equally likely the buffer must hold all elements. The order is
        TensorFlow's for the same seeds.

        Args:
          buffer_size: the number of elements in the buffer.
          seed: a Python integer that, with the global seed, determines the order.
          reshuffle_each_iteration: whether each iteration has another order.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          InvalidArgumentError: `buffer_size` is not positive.
        """
        size = UNKNOWN_CARDINALITY if buffer_size is None else buffer_size
        reshuffle = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        first, second = seed_pair(seed)
        generator, _ = raw.AnonymousSeedGenerator(seed=first, seed2=second, reshuffle=reshuffle)
        return self._same(
            "ShuffleDatasetV3",
            int64(size, "buffer_size"),
            first,
            second,
            generator,
            reshuffle_each_iteration=reshuffle,
            kind="_ShuffleDataset",
            name=name,
        )

    @shortening
    def prefetch(self, buffer_size: Any, name: str | None = None) -> Any:
        """Returns the dataset with a thread that computes elements ahead of time.

        Args:
          buffer_size: the greatest number of elements that wait; `tf.data.AUTOTUNE` chooses it.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        if DEBUG_MODE.is_enabled:
            return self
        size = -1 if buffer_size is None else buffer_size
        return self._same("PrefetchDataset", int64(size, "buffer_size"), name=name)

    @shortening
    def cache(self, filename: Any = "", name: str | None = None) -> Any:
        """Returns a dataset that keeps its elements during the first full iteration.

        Everything before it runs once: put random transformations after it.

        Args:
          filename: the beginning of the names of files to keep them in; "" keeps them in memory.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        return self._same(
            "CacheDatasetV2", filename, raw.DummyMemoryCache(), kind="CacheDataset", name=name
        )

    @shortening
    def with_options(self, options: Options, name: str | None = None) -> Any:
        """Returns the dataset with options.

        Args:
          options: a `tf.data.Options`, whose values go before those that are there.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: an option is set to two values.
        """
        dataset = self._same(
            "OptionsDataset", serialized_options=options._to_proto().SerializeToString(), name=name
        )
        dataset._options_attr = self.options().merge(options)
        dataset._options_attr._set_mutable(False)
        return dataset

    # -- batching

    @shortening
    def batch(
        self,
        batch_size: Any,
        drop_remainder: Any = False,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns batches of consecutive elements, stacked along a new first axis.

        Elements must be of equal shape: `padded_batch` and `ragged_batch` take others.

        Args:
          batch_size: the number of elements.
          drop_remainder: whether a smaller last batch is left out, which makes the extent static.
          num_parallel_calls: a hint without effect: batches are put together at once.
          deterministic: a hint without effect: the order is always that of the elements.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          InvalidArgumentError: shapes differ (when the batch is computed), or the size is not
            positive.
        """
        spec = structure.batched(self.element_spec, static_batch_size(batch_size, drop_remainder))
        calls, size = parallel_calls(num_parallel_calls), int64(batch_size, "batch_size")
        if calls is None:
            return self._of(
                "BatchDatasetV2", spec, size, drop_remainder, kind="_BatchDataset", name=name
            )
        return self._of(
            "ParallelBatchDataset",
            spec,
            size,
            int64(calls, "num_parallel_calls"),
            drop_remainder,
            deterministic=ORDER[deterministic],
            name=name,
        )

    @shortening
    def padded_batch(
        self,
        batch_size: Any,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: Any = False,
        name: str | None = None,
    ) -> Any:
        """Returns batches of consecutive elements, padded to equal shapes.

        Args:
          batch_size: the number of elements.
          padded_shapes: a shape for each component; -1 or None stands for the greatest extent in
            the batch, which is the default.
          padding_values: a value for each component, or one for all; by default 0 and "".
          drop_remainder: whether a smaller last batch is left out.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: a component's rank is unknown and no shape is given.
          InvalidArgumentError: an element is larger than its padded shape.
        """
        shapes = padding_shapes(self.element_spec, padded_shapes)
        values = padding_constants(self.element_spec, padding_values)
        size = static_batch_size(batch_size, drop_remainder)
        spec = padded_specs(self.element_spec, shapes, size)
        variant = raw.PaddedBatchDatasetV2(
            input_dataset=self._variant_tensor,
            batch_size=int64(batch_size, "batch_size"),
            padded_shapes=shapes,
            padding_values=values,
            drop_remainder=drop_remainder,
            output_shapes=structure.flat_shapes(spec),
            name=name,
        )
        return self._derived("_PaddedBatchDataset", variant, spec, self)

    @shortening
    def ragged_batch(
        self,
        batch_size: Any,
        drop_remainder: Any = False,
        row_splits_dtype: Any = dtypes.int64,
        name: str | None = None,
    ) -> Any:
        """Returns batches of consecutive elements, as ragged tensors where shapes may differ.

        Args:
          batch_size: the number of elements.
          drop_remainder: whether a smaller last batch is left out.
          row_splits_dtype: int32 or int64.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        >>> dataset = tf.data.Dataset.range(1, 3).map(tf.range).ragged_batch(2)
        >>> next(iter(dataset)).to_list()
        [[0], [0, 1]]
        """
        size = static_batch_size(batch_size, drop_remainder)
        return ragged_batch(
            self,
            int64(batch_size, "batch_size"),
            drop_remainder,
            size,
            dtypes.as_dtype(row_splits_dtype),
            name,
        )

    @shortening
    def sparse_batch(self, batch_size: Any, row_shape: Any, name: str | None = None) -> Any:
        """Returns batches of consecutive elements as sparse tensors.

        Args:
          batch_size: the number of elements.
          row_shape: the shape of a row, at least as large as each element.
          name: a name for the operation.

        Returns:
          A `Dataset` of `SparseTensor`.
        """
        return sparse_batch(self, batch_size, as_shape(row_shape), name)

    @shortening
    def rebatch(
        self, batch_size: Any, drop_remainder: bool = False, name: str | None = None
    ) -> Any:
        """Returns the same rows in batches of another size.

        Args:
          batch_size: the number of rows, or a list of numbers that take turns.
          drop_remainder: whether a smaller last batch is left out.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: the sizes are not a vector, or elements have no or different batch sizes.
        """
        sizes = int64(batch_size, "batch_size")
        if _has_scalars(self.element_spec):
            raise ValueError(
                "Invalid `batch_sizes`. Expected dataset with rank of >= 1 but found a dataset with scalar "
                "elements. Fix the issue by adding the `batch` transformation to the dataset."
            )
        rows = structure.unbatched(self.element_spec)
        known = constant_value(sizes)
        if known is not None:
            drops = constant_value(convert_to_tensor(drop_remainder, dtype=dtypes.bool_))
            known = rebatched_size(self.element_spec, known, drops)
        spec = structure.batched(rows, known)
        return self._of_rows("RebatchDatasetV2", spec, sizes, drop_remainder, name=name)

    def _of_rows(self, op: str, spec: Any, *inputs: Any, name: str | None) -> Any:
        """Applies a dataset op to the rows of elements."""
        source: Any = self
        if not all(map(structure.is_dense, nest.flatten(self.element_spec))):
            source = self._rows_as_variants()
        derived = Transforms._of(source, op, spec, *inputs, name=name)
        return self._derived(f"_{op.removesuffix('V2')}", derived._variant_tensor, spec, self)

    @shortening
    def unbatch(self, name: str | None = None) -> Any:
        """Returns the rows of the elements, one after another.

        Args:
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: a component is a scalar, or components have different numbers of rows.
        """
        if _has_scalars(self.element_spec):
            raise ValueError("Cannot unbatch an input with scalar components.")
        spec = structure.unbatched(self.element_spec)
        structure.check_rows(self.element_spec)
        return self._of_rows("UnbatchDataset", spec, name=name)

    def _rows_as_variants(self) -> Any:
        """The same dataset, with composite components as one variant per row."""
        whole = self.element_spec

        def encode(*parts: Any) -> tuple[Any, ...]:
            element = parts if type(whole) is tuple else parts[0]
            return tuple(structure.to_batched_tensors(whole, element))

        traced = trace(encode, whole, "Unbatch")
        return self._of("MapDataset", traced.output_spec, traced.captured, f=traced.function)

    @shortening
    def window(
        self,
        size: Any,
        shift: Any = None,
        stride: Any = 1,
        drop_remainder: Any = False,
        name: str | None = None,
    ) -> Any:
        """Returns windows of elements, each a separate dataset.

        In a structure each component is a dataset.

        Args:
          size: the number of elements of a window.
          shift: how far the next window starts; by default `size`.
          stride: the distance of the elements of a window.
          drop_remainder: whether smaller windows at the end are left out.
          name: a name for the operation.

        Returns:
          A `Dataset` of datasets.

        Raises:
          InvalidArgumentError: a number is not positive.
        """
        shift = size if shift is None else shift
        spec = nest.map_structure(self._spec_of_datasets, self.element_spec)
        return self._of(
            "WindowDataset",
            spec,
            int64(size, "size"),
            int64(shift, "shift"),
            int64(stride, "stride"),
            drop_remainder,
            name=name,
        )

    # -- queries

    @shortening
    def cardinality(self) -> Tensor:
        """Returns the number of elements, as far as it is known without computing them.

        Returns:
          An int64 scalar, which may be `tf.data.INFINITE_CARDINALITY` or
          `tf.data.UNKNOWN_CARDINALITY`.
        """
        return raw.DatasetCardinality(input_dataset=self._variant_tensor)

    @shortening
    def get_single_element(self, name: str | None = None) -> Any:
        """Returns the only element.

        Args:
          name: a name for the operation.

        Returns:
          The element.

        Raises:
          InvalidArgumentError: there is none, or there are several.
        """
        tensors = raw.DatasetToSingleElement(
            dataset=self._variant_tensor, **self._flat_structure, name=name
        )
        return structure.from_tensors(self.element_spec, tensors)

    @shortening
    def fingerprint(self) -> Tensor:
        """Returns a hash that differs between different datasets.

        Returns:
          A uint64 scalar.
        """
        return raw.DatasetFingerprint(input_dataset=self._variant_tensor)


def _range(start: Any) -> Tensor:
    return raw.RangeDataset(
        int64(start),
        int64(dtypes.int64.max),
        int64(1),
        output_types=[dtypes.int64],
        output_shapes=[TensorShape([])],
    )


def _has_scalars(spec: Any) -> bool:
    """True if a component of the elements is a scalar."""
    shapes = [leaf.shape for leaf in nest.flatten(spec) if isinstance(leaf, TensorSpec)]
    return any(shape.rank == 0 for shape in shapes)


def rebatched_size(spec: Any, sizes: np.ndarray, drop_remainder: Any) -> int | None:
    """The static size of batches re-split into `sizes`; None where it may vary."""
    if sizes.ndim > 1:
        raise ValueError(
            "Invalid `batch_sizes`. Expected `batch_sizes` to be a scalar or a vector. Received "
            f"`batch_sizes` of rank {sizes.ndim}."
        )
    if len(set(sizes.ravel().tolist())) != 1:
        return None
    size = int(sizes.ravel()[0])
    if drop_remainder:
        return size
    shapes = [leaf.shape for leaf in nest.flatten(spec) if hasattr(leaf, "shape")]
    shapes = [shape for shape in shapes if shape.rank is not None]
    extents = {shape[0] for shape in shapes} - {None}
    if len(extents) > 1:
        raise ValueError(
            "Invalid `input_dataset.` The batch dimensions of the components differ: "
            f"{sorted(extents)}."
        )
    return size if extents and extents.pop() % size == 0 else None


def static_batch_size(batch_size: Any, drop_remainder: Any) -> int | None:
    """The static size of batches; None where it may vary."""
    if isinstance(drop_remainder, EagerTensor):
        drop_remainder = bool(drop_remainder)
    if isinstance(drop_remainder, Tensor) or not drop_remainder:
        return None
    return static_int(batch_size)
