"""Dataset ops from when they were called experimental: each is a twin of the op without that word."""

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data import (
    basic,
    batch,
    composites,
    files,
    functional,
    iterator,
    nested,
    source,
)
from penstock._src.ops.data.pipeline import UnnamedDatasetOp


class ExperimentalDatasetCardinality(Op):
    """Twin of DatasetCardinality."""

    signature = "input_dataset: variant -> cardinality: int64"
    shape = iterator.DatasetCardinality.shape
    eager = iterator.DatasetCardinality.eager


class ExperimentalDenseToSparseBatchDataset(UnnamedDatasetOp):
    """Twin of DenseToSparseBatchDataset."""

    signature = "input_dataset: variant, batch_size: int64, row_shape: int64 -> handle: variant"
    pipeline = composites.DenseToSparseBatchDataset.pipeline


class ExperimentalDirectedInterleaveDataset(UnnamedDatasetOp):
    """Twin of DirectedInterleaveDataset."""

    signature = (
        "selector_input_dataset: variant, data_input_datasets: N * variant -> handle: variant"
    )
    pipeline = basic.DirectedInterleaveDataset.pipeline


class ExperimentalGroupByReducerDataset(UnnamedDatasetOp):
    """Twin of GroupByReducerDataset."""

    signature = (
        "input_dataset: variant, key_func_other_arguments: *Tkey_func_other_arguments, "
        "init_func_other_arguments: *Tinit_func_other_arguments, reduce_func_other_arguments: "
        "*Treduce_func_other_arguments, finalize_func_other_arguments: "
        "*Tfinalize_func_other_arguments -> handle: variant"
    )
    key_func: Function
    init_func: Function
    reduce_func: Function
    finalize_func: Function
    stateful = True
    pipeline = nested.GroupByReducerDataset.pipeline


class ExperimentalGroupByWindowDataset(UnnamedDatasetOp):
    """Twin of GroupByWindowDataset."""

    signature = (
        "input_dataset: variant, key_func_other_arguments: *Tkey_func_other_arguments, "
        "reduce_func_other_arguments: *Treduce_func_other_arguments, "
        "window_size_func_other_arguments: *Twindow_size_func_other_arguments -> handle: "
        "variant"
    )
    key_func: Function
    reduce_func: Function
    window_size_func: Function
    pipeline = nested.GroupByWindowDataset.pipeline


class ExperimentalIgnoreErrorsDataset(UnnamedDatasetOp):
    """Twin of IgnoreErrorsDataset."""

    signature = "input_dataset: variant -> handle: variant"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    log_warning: bool = False
    pipeline = functional.IgnoreErrorsDataset.pipeline


class ExperimentalMapAndBatchDataset(UnnamedDatasetOp):
    """Twin of MapAndBatchDataset."""

    signature = (
        "input_dataset: variant, other_arguments: *Targuments, batch_size: int64, "
        "num_parallel_calls: int64, drop_remainder: bool -> handle: variant"
    )
    f: Function
    output_types: list[DType]
    output_shapes: list[TensorShape]
    preserve_cardinality: bool = False
    pipeline = functional.MapAndBatchDataset.pipeline


class ExperimentalMapDataset(UnnamedDatasetOp):
    """Twin of MapDataset."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    f: Function
    output_types: list[DType]
    output_shapes: list[TensorShape]
    use_inter_op_parallelism: bool = True
    preserve_cardinality: bool = False
    force_synchronous: bool = False
    pipeline = functional.MapDataset.pipeline


class ExperimentalMatchingFilesDataset(files.MatchingFilesDataset):
    """Twin of MatchingFilesDataset."""

    signature = "patterns: string -> handle: variant"


class ExperimentalMaxIntraOpParallelismDataset(UnnamedDatasetOp):
    """Twin of MaxIntraOpParallelismDataset."""

    signature = "input_dataset: variant, max_intra_op_parallelism: int64 -> handle: variant"
    pipeline = basic.MaxIntraOpParallelismDataset.pipeline


class ExperimentalNonSerializableDataset(UnnamedDatasetOp):
    """Twin of NonSerializableDataset."""

    signature = "input_dataset: variant -> handle: variant"
    pipeline = basic.NonSerializableDataset.pipeline


class ExperimentalPrivateThreadPoolDataset(UnnamedDatasetOp):
    """Twin of PrivateThreadPoolDataset."""

    signature = "input_dataset: variant, num_threads: int64 -> handle: variant"
    pipeline = basic.PrivateThreadPoolDataset.pipeline


class ExperimentalRandomDataset(UnnamedDatasetOp):
    """Twin of RandomDataset."""

    signature = "seed: int64, seed2: int64 -> handle: variant"
    stateful = True
    pipeline = source.RandomDataset.pipeline


class ExperimentalScanDataset(UnnamedDatasetOp):
    """Twin of ScanDataset."""

    signature = (
        "input_dataset: variant, initial_state: *Tstate, other_arguments: *Targuments -> "
        "handle: variant"
    )
    f: Function
    output_types: list[DType]
    output_shapes: list[TensorShape]
    preserve_cardinality: bool = False
    pipeline = functional.ScanDataset.pipeline


class ExperimentalSlidingWindowDataset(UnnamedDatasetOp):
    """Twin of SlidingWindowDataset."""

    signature = (
        "input_dataset: variant, window_size: int64, window_shift: int64, window_stride: int64 "
        "-> handle: variant"
    )
    pipeline = batch.SlidingWindowDataset.pipeline


class ExperimentalTakeWhileDataset(UnnamedDatasetOp):
    """Twin of TakeWhileDataset."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    predicate: Function
    pipeline = functional.TakeWhileDataset.pipeline


class ExperimentalUnbatchDataset(UnnamedDatasetOp):
    """Twin of UnbatchDataset."""

    signature = "input_dataset: variant -> handle: variant"
    pipeline = batch.UnbatchDataset.pipeline


class ExperimentalUniqueDataset(UnnamedDatasetOp):
    """Twin of UniqueDataset."""

    signature = "input_dataset: variant -> handle: variant"
    pipeline = basic.UniqueDataset.pipeline
