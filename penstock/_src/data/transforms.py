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
from penstock._src.data.options import UNKNOWN_CARDINALITY, Options
from penstock._src.data.traced import trace
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest


def int64(value: Any) -> Tensor:
    """`value` as an int64 tensor."""
    return convert_to_tensor(value, dtype=dtypes.int64)


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
    return int64(first), int64(second)


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
        """Applies the dataset op `op`, whose elements have structure `spec`."""
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
        """Returns the dataset of the first `count` elements, or of all if `count` is -1."""
        return self._same("TakeDataset", int64(count), name=name)

    @shortening
    def skip(self, count: Any, name: str | None = None) -> Any:
        """Returns the dataset without the first `count` elements, or an empty one if `count` is -1."""
        return self._same("SkipDataset", int64(count), name=name)

    @shortening
    def repeat(self, count: Any = None, name: str | None = None) -> Any:
        """Returns the dataset repeated `count` times, or endlessly for None or -1."""
        return self._same("RepeatDataset", int64(-1 if count is None else count), name=name)

    @shortening
    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Any:
        """Returns every `num_shards`-th element, from the one at `index` on."""
        return self._same("ShardDataset", int64(num_shards), int64(index), name=name)

    @shortening
    def concatenate(self, dataset: Any, name: str | None = None) -> Any:
        """Returns the dataset of these elements, then those of `dataset`.

        Raises:
          TypeError: the elements differ in structure.
        """
        spec = structure.relaxed(self.element_spec, dataset.element_spec)
        if spec is None:
            raise TypeError(
                "Incompatible types of input datasets: "
                f"{self.element_spec} vs. {dataset.element_spec}."
            )
        made = self._of("ConcatenateDataset", spec, dataset._variant_tensor, name=name)
        return self._derived("_ConcatenateDataset", made._variant_tensor, spec, self, dataset)

    @shortening
    def unique(self, name: str | None = None) -> Any:
        """Returns the dataset of distinct elements.

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
        """Returns the dataset of (number, element), counting from `start`."""
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
        """Returns `transformation_func(self)`.

        Raises:
          TypeError: that is not a dataset.
        """
        made = transformation_func(self)
        if not isinstance(made, Transforms):
            raise TypeError(
                f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(made)}."
            )
        return made

    @shortening
    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Any:
        """Returns the dataset without the elements that raise an error."""
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
        """Returns the dataset in random order, drawn from a buffer of `buffer_size` elements.

        The order is TensorFlow's for the same seeds.
        """
        size = UNKNOWN_CARDINALITY if buffer_size is None else buffer_size
        reshuffle = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        first, second = seed_pair(seed)
        generator, _ = raw.AnonymousSeedGenerator(seed=first, seed2=second, reshuffle=reshuffle)
        return self._same(
            "ShuffleDatasetV3",
            int64(size),
            first,
            second,
            generator,
            reshuffle_each_iteration=reshuffle,
            kind="_ShuffleDataset",
            name=name,
        )

    @shortening
    def prefetch(self, buffer_size: Any, name: str | None = None) -> Any:
        """Returns the dataset with up to `buffer_size` elements prefetched by a thread."""
        size = -1 if buffer_size is None else buffer_size
        return self._same("PrefetchDataset", int64(size), name=name)

    @shortening
    def cache(self, filename: Any = "", name: str | None = None) -> Any:
        """Returns the dataset with its elements cached in memory or in a file by the first full iteration."""
        return self._same(
            "CacheDatasetV2", filename, raw.DummyMemoryCache(), kind="CacheDataset", name=name
        )

    @shortening
    def with_options(self, options: Options, name: str | None = None) -> Any:
        """Returns the dataset with its options overridden by `options`."""
        made = self._same(
            "OptionsDataset", serialized_options=options._to_proto().SerializeToString(), name=name
        )
        made._options_attr = self.options().merge(options)
        made._options_attr._set_mutable(False)
        return made

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
        """Returns the dataset of batches of `batch_size` consecutive elements.

        Args:
          batch_size: the number of elements; the last batch may be smaller.
          drop_remainder: whether to drop a smaller last batch.
          num_parallel_calls: accepted; batches are gathered at once.
          deterministic: accepted; the order is always fixed.
          name: of the op.
        """
        spec = structure.batched(self.element_spec, static_batch_size(batch_size, drop_remainder))
        kind = "_BatchDataset" if num_parallel_calls is None else "_ParallelBatchDataset"
        return self._of(
            "BatchDatasetV2", spec, int64(batch_size), drop_remainder, kind=kind, name=name
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
        """Returns the dataset of batches of elements, padded to equal shapes.

        Args:
          batch_size: the number of elements.
          padded_shapes: a shape per component; -1 or None means the largest in the batch.
          padding_values: a value per component, or one for all; by default 0 and "".
          drop_remainder: whether to drop a smaller last batch.
          name: of the op.
        """
        shapes = padding_shapes(self.element_spec, padded_shapes)
        values = padding_constants(self.element_spec, padding_values)
        size = static_batch_size(batch_size, drop_remainder)
        spec = padded_specs(self.element_spec, shapes, size)
        variant = raw.PaddedBatchDatasetV2(
            input_dataset=self._variant_tensor,
            batch_size=int64(batch_size),
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
        """Returns the dataset of batches of elements, as ragged tensors where shapes may differ."""
        size = static_batch_size(batch_size, drop_remainder)
        return ragged_batch(
            self, int64(batch_size), drop_remainder, size, dtypes.as_dtype(row_splits_dtype), name
        )

    @shortening
    def sparse_batch(self, batch_size: Any, row_shape: Any, name: str | None = None) -> Any:
        """Returns the dataset of sparse tensors of `batch_size` rows of shape `row_shape`."""
        return sparse_batch(self, batch_size, as_shape(row_shape), name)

    @shortening
    def rebatch(
        self, batch_size: Any, drop_remainder: bool = False, name: str | None = None
    ) -> Any:
        """Returns the dataset of re-split batches; a list of sizes is used cyclically.

        Raises:
          ValueError: the sizes are no vector, or elements have no or different batch sizes.
        """
        sizes = int64(batch_size)
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
        made = Transforms._of(source, op, spec, *inputs, name=name)
        return self._derived(f"_{op.removesuffix('V2')}", made._variant_tensor, spec, self)

    @shortening
    def unbatch(self, name: str | None = None) -> Any:
        """Returns the dataset of the rows of the elements."""
        spec = structure.unbatched(self.element_spec)
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
        """Returns the dataset of windows of elements, each of which is a dataset (one for each
        component).

        Args:
          size: elements in a window.
          shift: the distance between the starts of windows; by default `size`.
          stride: the distance between elements within a window.
          drop_remainder: whether to drop partial windows.
          name: of the op.
        """
        shift = size if shift is None else shift
        spec = nest.map_structure(self._spec_of_datasets, self.element_spec)
        return self._of(
            "WindowDataset",
            spec,
            int64(size),
            int64(shift),
            int64(stride),
            drop_remainder,
            name=name,
        )

    # -- queries

    @shortening
    def cardinality(self) -> Tensor:
        """Returns the number of elements as an int64 tensor: `tf.data.INFINITE_CARDINALITY` or
        `tf.data.UNKNOWN_CARDINALITY` if it is infinite or unknown."""
        return raw.DatasetCardinality(input_dataset=self._variant_tensor)

    @shortening
    def get_single_element(self, name: str | None = None) -> Any:
        """Returns the only element.

        Raises:
          tf.errors.InvalidArgumentError: there is none, or there are several.
        """
        tensors = raw.DatasetToSingleElement(
            dataset=self._variant_tensor, **self._flat_structure, name=name
        )
        return structure.from_tensors(self.element_spec, tensors)

    @shortening
    def fingerprint(self) -> Tensor:
        """Returns a hash that identifies the dataset."""
        return raw.DatasetFingerprint(input_dataset=self._variant_tensor)


def _range(start: Any) -> Tensor:
    return raw.RangeDataset(
        int64(start),
        int64(dtypes.int64.max),
        int64(1),
        output_types=[dtypes.int64],
        output_shapes=[TensorShape([])],
    )


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
    if any(shape.rank < 1 for shape in shapes):
        raise ValueError(
            "Invalid `batch_sizes`. Expected dataset with rank of >= 1 but found a dataset with scalar "
            "elements. Fix the issue by adding the `batch` transformation to the dataset."
        )
    held = {shape[0] for shape in shapes} - {None}
    if len(held) > 1:
        raise ValueError(
            "Invalid `input_dataset.` The batch dimensions of the components differ: "
            f"{sorted(held)}."
        )
    return size if held and held.pop() % size == 0 else None


def static_batch_size(batch_size: Any, drop_remainder: Any) -> int | None:
    """The static size of batches; None where it may vary."""
    if isinstance(drop_remainder, EagerTensor):
        drop_remainder = bool(drop_remainder)
    if isinstance(drop_remainder, Tensor) or not drop_remainder:
        return None
    return static_int(batch_size)
