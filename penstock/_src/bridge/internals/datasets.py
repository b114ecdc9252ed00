"""TensorFlow's private dataset classes, one for each source, and the attributes of input pipelines that Keras reads."""

from __future__ import annotations

from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.data import structure
from penstock._src.data.dataset import DatasetV2, derived
from penstock._src.data.traced import trace


class MadeBy(type):
    """A class whose instances are the datasets of one source, recognized by the name of the dataset's class."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, DatasetV2) and type(instance).__name__ == cls.__name__


_CLASSES = """
_BatchDataset CacheDataset _ConcatenateDataset _DirectedInterleaveDataset _FilterDataset _FlatMapDataset
_GroupByWindowDataset _IgnoreErrorsDataset _InterleaveDataset _ListDataset _PaddedBatchDataset
_ParallelBatchDataset _ParallelInterleaveDataset _PrefetchDataset _RandomDataset _RangeDataset
_RebatchDataset _RepeatDataset _ScanDataset _ShardDataset _ShuffleDataset _SkipDataset _SnapshotDataset
_SparseTensorSliceDataset _TakeDataset _TakeWhileDataset _TensorDataset _TensorSliceDataset _UnbatchDataset
_UniqueDataset _WindowDataset _ZipDataset
"""
globals().update({name: MadeBy(name, (), {}) for name in _CLASSES.split()})


class _MapDataset(metaclass=MadeBy):
    """Datasets of the results of a function, called on one element after the other."""

    def __new__(
        cls,
        input_dataset: Any,
        map_func: Any,
        force_synchronous: bool = False,
        use_inter_op_parallelism: bool = True,
        preserve_cardinality: bool = True,
        use_legacy_function: bool = False,
        name: str | None = None,
    ) -> Any:
        """Returns the dataset; how TensorFlow schedules the calls makes no difference here."""
        del use_inter_op_parallelism, preserve_cardinality, use_legacy_function
        return input_dataset.map(map_func, synchronous=force_synchronous, name=name)


class _ParallelMapDataset(metaclass=MadeBy):
    """Datasets of the results of a function, called on several elements at a time."""

    def __new__(
        cls,
        input_dataset: Any,
        map_func: Any,
        num_parallel_calls: Any,
        deterministic: bool | None = None,
        use_inter_op_parallelism: bool = True,
        preserve_cardinality: bool = False,
        use_legacy_function: bool = False,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Any:
        """Returns the dataset; how TensorFlow schedules the calls makes no difference here."""
        del use_inter_op_parallelism, preserve_cardinality, use_legacy_function
        del use_unbounded_threadpool
        return input_dataset.map(map_func, num_parallel_calls, deterministic, name=name)


class _GeneratorDataset(metaclass=MadeBy):
    """Datasets of functions that make a state, then elements from it."""

    def __new__(
        cls,
        init_args: Any,
        init_func: Any,
        next_func: Any,
        finalize_func: Any,
        output_signature: Any,
        name: str | None = None,
    ) -> Any:
        """Returns the dataset of the results of `next_func` on the state that `init_func` makes."""
        arguments = structure.normalize(init_args)
        spec = structure.spec_of(arguments)
        start = trace(init_func, spec, "GeneratorInit")
        step = trace(next_func, start.output_spec, "GeneratorNext")
        finish = trace(finalize_func, start.output_spec, "GeneratorFinalize")
        variant = raw.GeneratorDataset(
            structure.to_tensors(spec, arguments) + start.captured,
            step.captured,
            finish.captured,
            init_func=start.function,
            next_func=step.function,
            finalize_func=finish.function,
            output_types=structure.flat_types(output_signature),
            output_shapes=structure.flat_shapes(output_signature),
            name=name,
        )
        return derived("_GeneratorDataset", variant, output_signature)


def _get_dataset_attributes(dataset: Any) -> tuple[Any, ...]:
    """Raises UnimplementedError: Keras's distributed loops of TensorFlow 1 are not supported."""
    raise UnimplementedError(
        f"_get_dataset_attributes: {dataset!r} keeps no batch size for TensorFlow 1's loops."
    )
