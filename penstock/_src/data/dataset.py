"""tf.data.Dataset: a sequence of elements produced by a pipeline."""

import collections.abc
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.data import structure
from penstock._src.data.functional import Functional
from penstock._src.data.generator import from_generator, generator_spec
from penstock._src.data.graph_defs import VariantTracker, is_rebuildable
from penstock._src.data.iterator import NumpyIterator, OwnedIterator
from penstock._src.data.options import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    ExternalStatePolicy,
    Options,
)
from penstock._src.data.sampling import Sampling
from penstock._src.data.stored import Stored
from penstock._src.data.transforms import seed_pair
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data_planner.report import PipelineReport, explained
from penstock._src.proto import dataset as messages
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.run_observers import WORK_OBSERVERS
from penstock._src.util.signatures import read_only


@export("data.Dataset", v1=[])
class DatasetV2(Functional, Sampling, Stored, collections.abc.Iterable, CompositeTensor, Trackable):
    """A sequence of elements, produced when they are asked for.

    Begin with a source (`Dataset.from_tensor_slices`, `Dataset.range`, `TFRecordDataset`), add
    transformations (`map`, `shuffle`, `batch`), and iterate. An element is a tensor, or a
    structure (tuple, dictionary) of tensors, ragged or sparse tensors and datasets.

    Args:
      variant_tensor: a variant that an operation on datasets returned; programs use the sources
        instead.

    >>> dataset = tf.data.Dataset.range(5).map(lambda x: x * 2).batch(2)
    >>> list(dataset.as_numpy_iterator())
    [array([0, 2]), array([4, 6]), array([8])]
    """

    def __init__(self, variant_tensor: Any) -> None:
        self._variant_tensor_attr = variant_tensor
        sources = self._inputs()
        if len(sources) == 1 and not sources[0].options()._mutable:
            self._options_attr = sources[0].options()  # these options are immutable
        else:
            self._options_attr = Options()
            for source in sources:
                self._options_attr = self._options_attr.merge(source.options())
            self._options_attr._set_mutable(False)
        if WORK_OBSERVERS and isinstance(variant_tensor, EagerTensor):
            for observer in WORK_OBSERVERS:
                observer.defined(variant_tensor._value)

    @property
    def _variant_tensor(self) -> Any:
        return self._variant_tensor_attr

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Return the saved children: none for checkpoints, the operations that make the dataset for SavedModels."""
        children = super()._trackable_children(save_type, **kwargs)
        variant = self._variant_tensor
        if save_type == "savedmodel" and isinstance(variant, EagerTensor):
            if is_rebuildable(variant._value):
                children["_variant_tracker"] = VariantTracker(variant)
        return children

    @staticmethod
    def _derived(kind: str, variant: Any, spec: Any, *sources: Any) -> Any:
        """The dataset that an op creates from `sources`, of the class registered as `kind`."""
        return derived(kind, variant, spec, *sources)

    @staticmethod
    def _spec_of_datasets(spec: Any) -> Any:
        """Return the spec of datasets with elements of type `spec`."""
        return DatasetSpec(spec)

    def _inputs(self) -> list[Any]:
        """The input datasets."""
        return []

    @property
    def element_spec(self) -> Any:
        """The structure of TypeSpecs of the elements."""
        raise NotImplementedError(f"{type(self)}.element_spec()")

    @property
    def _type_spec(self) -> "DatasetSpec":
        return DatasetSpec(self.element_spec)

    @property
    def _flat_structure(self) -> dict[str, Any]:
        return structure.attributes(self.element_spec)

    @property
    def _flat_shapes(self) -> list[TensorShape]:
        return structure.flat_shapes(self.element_spec)

    @property
    def _flat_types(self) -> list[dtypes.DType]:
        return structure.flat_types(self.element_spec)

    def _as_serialized_graph(
        self,
        allow_stateful: bool | None = None,
        strip_device_assignment: bool | None = None,
        external_state_policy: ExternalStatePolicy | None = ExternalStatePolicy.WARN,
    ) -> Any:
        """Return the serialized GraphDef of the dataset, as a string tensor."""
        variant, without_devices = self._variant_tensor, bool(strip_device_assignment)
        if external_state_policy is None:
            return raw.DatasetToGraph(
                input_dataset=variant,
                allow_stateful=bool(allow_stateful),
                strip_device_assignment=without_devices,
            )
        return raw.DatasetToGraphV2(
            input_dataset=variant,
            external_state_policy=external_state_policy.value,
            strip_device_assignment=without_devices,
        )

    @property
    def _metadata(self) -> Any:
        """The message about the dataset, with the name that a subclass may have set."""
        name = getattr(self, "_name", None)
        return messages.Metadata(name=name.encode() if name else b"")

    @property
    def _common_args(self) -> dict[str, Any]:
        """The arguments that most dataset ops have."""
        return {**self._flat_structure, "metadata": self._metadata.SerializeToString()}

    def _functions(self) -> list[Any]:
        """The functions that the dataset calls."""
        return []

    def _apply_debug_options(self) -> "DatasetV2":
        return self

    def options(self) -> Options:
        """Returns the options of this dataset, with those of its inputs.

        Returns:
          A `tf.data.Options`.
        """
        return self._options_attr

    def _options(self) -> Any:
        """Returns the options as a tensor with their message."""
        return raw.GetOptions(input_dataset=self._variant_tensor)

    @classmethod
    def _options_tensor_to_options(cls, serialized_options: Any) -> Options:
        """Returns the options of a message."""
        if isinstance(serialized_options, EagerTensor):
            serialized_options = serialized_options.numpy()
        options = Options()
        options._from_proto(messages.Options.FromString(serialized_options))
        return options

    def __iter__(self) -> OwnedIterator:
        """Returns a new iterator over the elements."""
        if STATE.graph is not None and not STATE.graph.building_function:
            raise RuntimeError(
                "`tf.data.Dataset` only supports Python-style iteration in eager mode or within "
                "tf.function."
            )
        return OwnedIterator(self)

    def _newly_made(self) -> "Dataset":
        """Returns an equal dataset, whose seeds restart if those of every new dataset do."""
        return self._same("OptionsDataset", serialized_options=b"")

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        """Returns the number of elements.

        Raises:
          TypeError: it is infinite or unknown.
        """
        if STATE.graph is not None:
            raise TypeError(
                "`tf.data.Dataset` only supports `len` in eager mode. Use "
                "`tf.data.Dataset.cardinality()` instead."
            )
        count = int(self.cardinality())
        if count == INFINITE_CARDINALITY:
            raise TypeError("The dataset is infinite.")
        if count == UNKNOWN_CARDINALITY:
            raise TypeError("The dataset length is unknown.")
        return count

    def __repr__(self) -> str:
        return f"<{type(self).__name__} element_spec={self.element_spec!r}>"

    __str__ = __repr__

    @shortening
    def explain(self, elements: int = 1000, seconds: float = 2.0) -> PipelineReport:
        """Returns the pipeline that runs instead of this one, with measured times and the bottleneck step.

        Computes elements, whose functions may have effects; Penstock's own, TensorFlow has none. See `docs/data.md`.

        Args:
          elements: the most elements to compute.
          seconds: no element is begun after that time.

        Returns:
          A PipelineReport, whose text `print` shows.

        Raises:
          RuntimeError: not executing eagerly.

        >>> dataset = tf.data.Dataset.range(100).map(lambda x: x * 2).batch(8)
        >>> report = dataset.explain()
        >>> report.elements, [step.name for step in report.steps]
        (13, ['Prefetch', 'Batch', 'Map', 'Range'])
        """
        if not isinstance(self._variant_tensor, EagerTensor):
            raise RuntimeError("`tf.data.Dataset.explain()` is only supported in eager mode.")
        return explained(self._variant_tensor._value, elements, seconds)

    @shortening
    def as_numpy_iterator(self) -> NumpyIterator:
        """Returns an iterator that yields elements as NumPy values.

        Returns:
          An iterator of structures of arrays.

        Raises:
          RuntimeError: the program does not execute eagerly.
          TypeError: an element has a part that is neither a tensor nor a ragged or sparse one.
        """
        if STATE.graph is not None:
            raise RuntimeError(
                "`tf.data.Dataset.as_numpy_iterator()` is only supported in eager mode."
            )
        return NumpyIterator(self)

    # -- sources

    @staticmethod
    @shortening
    def from_tensors(tensors: Any, name: str | None = None) -> "Dataset":
        """Returns the dataset with one element.

        Args:
          tensors: the element, a structure of what converts to tensors.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        >>> list(tf.data.Dataset.from_tensors([1, 2]).as_numpy_iterator())
        [array([1, 2], dtype=int32)]
        """
        element = structure.normalize(tensors)
        spec = structure.spec_of(element)
        variant = raw.TensorDataset(
            components=structure.to_tensors(spec, element),
            output_shapes=structure.flat_shapes(spec),
            name=name,
        )
        return derived("_TensorDataset", variant, spec)

    @staticmethod
    @shortening
    def from_tensor_slices(tensors: Any, name: str | None = None) -> "Dataset":
        """Returns the dataset of the slices of tensors along their first axis.

        Args:
          tensors: a structure of tensors, or of ragged or sparse ones, with equal first extents.
          name: a name for the operation.

        Returns:
          A `Dataset` of as many elements as that extent.

        Raises:
          ValueError: a component is a scalar, there is none, or the first extents differ.

        >>> dataset = tf.data.Dataset.from_tensor_slices(([1, 2], ["a", "b"]))
        >>> list(dataset.as_numpy_iterator())
        [(np.int32(1), b'a'), (np.int32(2), b'b')]
        """
        element = structure.normalize(tensors)
        whole = structure.spec_of(element)
        spec = structure.unbatched(whole)
        components = structure.to_batched_tensors(whole, element)
        if not components:
            raise ValueError("Invalid `element`. `element` should not be empty.")
        size: Any = None
        for component in components:
            first = component.shape[0] if component.shape.rank else None
            if size is not None and first is not None and first != size:
                shapes = ", ".join(str(component.shape) for component in components)
                raise ValueError(
                    f"Dimensions {size} and {first} are not compatible: from_tensor_slices takes "
                    f"components of the same first extent. Received shapes {shapes}."
                )
            size = first if size is None else size
        variant = raw.TensorSliceDataset(
            components=components, output_shapes=structure.flat_shapes(spec), name=name
        )
        return derived("_TensorSliceDataset", variant, spec)

    @staticmethod
    @shortening
    def range(*args: Any, **kwargs: Any) -> "Dataset":
        """Returns the dataset of the numbers of Python's `range`.

        Args:
          *args: `stop`; `start, stop`; or `start, stop, step`.
          **kwargs: `output_type`, the dtype (int64 by default), and `name`.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: there are no or more than three numbers.

        >>> list(tf.data.Dataset.range(1, 7, 2).as_numpy_iterator())
        [np.int64(1), np.int64(3), np.int64(5)]
        """
        if not 1 <= len(args) <= 3:
            raise ValueError(
                "Invalid `args`. The length of `args` should be between 1 and 3 but was "
                f"{len(args)}."
            )
        start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        spec = TensorSpec([], kwargs.get("output_type", dtypes.int64))
        numbers = [convert_to_tensor(n, dtype=dtypes.int64) for n in (start, stop, step)]
        variant = raw.RangeDataset(*numbers, **structure.attributes(spec), name=kwargs.get("name"))
        return derived("_RangeDataset", variant, spec)

    @staticmethod
    @shortening
    def counter(
        start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64, name: str | None = None
    ) -> "Dataset":
        """Returns the endless dataset start, start + step, start + 2 * step and so on.

        Args:
          start: the first number.
          step: the difference of two numbers.
          dtype: the dtype.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        >>> list(tf.data.Dataset.counter(5, 2).take(3).as_numpy_iterator())
        [np.int64(5), np.int64(7), np.int64(9)]
        """
        dtype = dtypes.as_dtype(dtype)
        if not dtype.is_integer:
            return Dataset.counter().map(
                lambda number: raw.Cast(x=number, DstT=dtype) * step + start, name=name
            )
        if int(step) == 0:
            first = convert_to_tensor(start, dtype=dtypes.int64)
            return Dataset.from_tensors(raw.Cast(x=first, DstT=dtype)).repeat(name=name)
        stop = dtypes.int64.max if int(step) > 0 else dtypes.int64.min
        return Dataset.range(start, stop, step, output_type=dtype, name=name)

    @staticmethod
    @shortening
    def random(
        seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None
    ) -> "Dataset":
        """Returns an endless dataset of random numbers from 0 to 2**32 - 1.

        Args:
          seed: a Python integer that, with the global seed, determines the numbers.
          rerandomize_each_iteration: whether each iteration draws others.
          name: a name for the operation.

        Returns:
          A `Dataset` of int64 scalars.
        """
        spec = TensorSpec([], dtypes.int64)
        first, second = seed_pair(seed)
        if rerandomize_each_iteration:
            generator, _ = raw.AnonymousRandomSeedGenerator(seed=first, seed2=second)
            variant = raw.RandomDatasetV2(
                first,
                second,
                generator,
                rerandomize_each_iteration=True,
                **structure.attributes(spec),
                name=name,
            )
        else:
            variant = raw.RandomDataset(first, second, **structure.attributes(spec), name=name)
        return derived("_RandomDataset", variant, spec)

    @staticmethod
    @shortening
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> "Dataset":
        """Returns the dataset of tuples of one element of each, up to the end of the shortest.

        Args:
          *args: datasets, or one structure of datasets.
          datasets: the same as a keyword.
          name: a name for the operation.

        Returns:
          A `Dataset` of elements in the structure of the datasets.

        Raises:
          TypeError: there are no datasets, both are given, or something else is in the structure.

        >>> a = tf.data.Dataset.range(3)
        >>> list(tf.data.Dataset.zip(a, a.skip(1)).as_numpy_iterator())
        [(np.int64(0), np.int64(1)), (np.int64(1), np.int64(2))]
        """
        if not args and datasets is None:
            raise TypeError("Must pass at least one dataset to `zip`.")
        if args and datasets is not None:
            raise TypeError("Both `*args` and `datasets` cannot be set.")
        if len(args) == 1:
            datasets = args[0]
        elif len(args) > 1:
            datasets = args
        sources = nest.flatten(datasets)
        for part in structure.leaves(datasets):
            if isinstance(part, list):
                raise TypeError(
                    "Invalid input to `zip`. Inputs are expected to be (nested) structures of "
                    "`tf.data.Dataset` objects. Python `list` is not supported and you should use "
                    "`tuple` instead."
                )
        for source in sources:
            if not isinstance(source, Dataset):
                raise TypeError(
                    "Invalid input to `zip`. Inputs are expected to be (nested) structures of "
                    f"`tf.data.Dataset` objects but encountered object of type {type(source)}."
                )
        spec = nest.pack_sequence_as(datasets, [source.element_spec for source in sources])
        variant = raw.ZipDataset(
            input_datasets=[source._variant_tensor for source in sources],
            **structure.attributes(spec),
            name=name,
        )
        return derived("_ZipDataset", variant, spec, *sources)

    @staticmethod
    @shortening
    def from_generator(
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Any = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> "Dataset":
        """Returns the dataset of what a Python generator yields.

        The generator runs in Python at every iteration, so that the dataset can neither be saved
        nor sent to other processes.

        Args:
          generator: a callable that returns an iterable, called for each iteration.
          output_types: a structure of dtypes, an older form of `output_signature`.
          output_shapes: a structure of shapes, with `output_types`.
          args: tensors that `generator` gets as NumPy values.
          output_signature: a structure of specs: the types of the elements.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: `generator` is not callable, or neither signature nor types are given.

        >>> def numbers():
        ...     yield from [1, 2, 3]
        >>> spec = tf.TensorSpec([], tf.int32)
        >>> list(tf.data.Dataset.from_generator(numbers, output_signature=spec).as_numpy_iterator())
        [np.int32(1), np.int32(2), np.int32(3)]
        """
        spec = generator_spec(output_types, output_shapes, output_signature)
        variant = from_generator(generator, spec, args, name)
        return derived("_FlatMapDataset", variant, spec)

    @staticmethod
    @shortening
    def list_files(
        file_pattern: Any, shuffle: bool | None = None, seed: Any = None, name: str | None = None
    ) -> "Dataset":
        """Returns the dataset of the names of the files that match patterns.

        Args:
          file_pattern: a pattern such as "data/*.csv", a list or a tensor of patterns.
          shuffle: whether the names come in random order; by default they do.
          seed: a Python integer that, with the global seed, determines the order.
          name: a name for the operation.

        Returns:
          A `Dataset` of string scalars.

        Raises:
          InvalidArgumentError: no file matches.
        """
        patterns: Any = convert_to_tensor(file_pattern, dtype=dtypes.string)
        names = raw.MatchingFiles(pattern=patterns)
        if isinstance(names, EagerTensor) and not names.shape[0]:
            shown = b"No files matched pattern: " + b", ".join(np.ravel(patterns.numpy()).tolist())
            raise InvalidArgumentError(
                f"Expected 'tf.Tensor(False, shape=(), dtype=bool)' to be true. Summarized data: {shown!r}"
            )
        paths = Dataset.from_tensor_slices(names, name=name)
        if shuffle is False:
            return paths
        return paths.shuffle(names.shape[0] or 1 << 20, seed=seed, name=name)


Dataset = DatasetV2  # the public name; libraries also use the other one


class _Derived:
    """A dataset that an op makes."""

    def __init__(self, variant: Any, spec: Any, sources: tuple[Any, ...]) -> None:
        self._spec, self._sources = spec, sources
        Dataset.__init__(self, variant)  # type: ignore[arg-type]

    def _inputs(self) -> list[Any]:
        return list(self._sources)

    element_spec = read_only("_spec", "The structure of TypeSpecs of the elements.")


_KINDS: dict[tuple[str, type], type] = {}


def derived(kind: str, variant: Any, spec: Any, *sources: Any, base: type = Dataset) -> Any:
    """A dataset over a variant tensor; `kind` is the class name that `repr` shows."""
    kind_class = _KINDS.get((kind, base))
    if kind_class is None:
        kind_class = type(kind, (_Derived, base), {"__module__": DatasetV2.__module__})
        _KINDS[kind, base] = kind_class
    return kind_class(variant, spec, sources)


@export("data.DatasetSpec", v1=["data.DatasetSpec", "data.experimental.DatasetStructure"])
class DatasetSpec(TypeSpec):
    """The type of a tf.data.Dataset.

    Args:
      element_spec: the structure of TypeSpecs of the elements.
      dataset_shape: the shape of a tensor of datasets; `()` for one dataset.
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self._element_spec = element_spec
        self._dataset_shape = as_shape(dataset_shape)

    value_type = property(lambda _: Dataset, doc="The class of the values.")

    element_spec = read_only("_element_spec", "The structure of TypeSpecs of the elements.")

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_spec, self._dataset_shape

    @property
    def _component_specs(self) -> TensorSpec:
        return TensorSpec(self._dataset_shape, dtypes.variant)

    def _to_components(self, value: Dataset) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        if self._dataset_shape.rank != 0:
            return _DatasetBatch(components, self)
        return derived("_VariantDataset", components, self._element_spec)

    def _batch(self, size: int | None) -> "DatasetSpec":
        return DatasetSpec(self._element_spec, TensorShape([size]).concatenate(self._dataset_shape))

    def _unbatch(self) -> "DatasetSpec":
        if self._dataset_shape.rank == 0:
            raise ValueError("Slicing dataset elements is not supported for rank 0.")
        return DatasetSpec(self._element_spec, self._dataset_shape[1:])

    @staticmethod
    def from_value(value: Dataset) -> "DatasetSpec":
        """Returns the type of a dataset.

        Args:
          value: a Dataset.

        Returns:
          A DatasetSpec.
        """
        return DatasetSpec(value.element_spec)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """True if a dataset or dataset spec has compatible elements.

        Args:
          spec_or_value: a Dataset or a DatasetSpec.

        Returns:
          A bool.
        """
        other = spec_or_value
        if isinstance(other, Dataset):
            other = other._type_spec
        if not isinstance(other, DatasetSpec):
            return False
        ones, others = nest.flatten(self._element_spec), nest.flatten(other._element_spec)
        return len(ones) == len(others) and all(
            a.is_compatible_with(b) for a, b in zip(ones, others)
        )

    def is_subtype_of(self, other: Any) -> bool:
        """True if every dataset of this type is of the other type."""
        if type(self) is not type(other):
            return False
        try:
            nest.assert_same_structure(self._element_spec, other._element_spec)
        except (TypeError, ValueError):
            return False
        pairs = zip(nest.flatten(self._element_spec), nest.flatten(other._element_spec))
        return self._dataset_shape.is_subtype_of(other._dataset_shape) and all(
            a.is_subtype_of(b) if isinstance(a, TypeSpec) else a == b for a, b in pairs
        )

    def most_specific_common_supertype(self, others: Any) -> "DatasetSpec | None":
        """Returns the most specific common supertype of this and the others, or None."""
        element, shapes = self._element_spec, []
        for other in others:
            if not isinstance(other, DatasetSpec):
                return None
            element = structure.relaxed(element, other._element_spec)
            shapes.append(other._dataset_shape)
            if element is None:
                return None
        shape = self._dataset_shape.most_specific_common_supertype(shapes)
        return None if shape is None else DatasetSpec(element, shape)


class _DatasetBatch(CompositeTensor):
    """Several datasets in one tensor."""

    def __init__(self, variants: Any, spec: DatasetSpec) -> None:
        self._variant_tensor, self._spec = variants, spec

    @property
    def _type_spec(self) -> DatasetSpec:
        return self._spec
