"""Dataset ops with the prefix Experimental: each equals the op without it."""

from penstock._src.ops.data import (
    basic,
    batch,
    functional,
    source,
)
from penstock._src.ops.data.readers import files
from penstock._src.ops.data_iterators import queries
from penstock._src.ops.data_selection import grouping, selection, sparse_batches
from penstock._src.ops.variants import variant

variant("ExperimentalDatasetCardinality", queries.DatasetCardinality, without="cardinality_options")
variant("ExperimentalDenseToSparseBatchDataset", sparse_batches.DenseToSparseBatchDataset)
variant(
    "ExperimentalDirectedInterleaveDataset",
    selection.DirectedInterleaveDataset,
    without="stop_on_empty_dataset",
)
variant(
    "ExperimentalGroupByReducerDataset",
    grouping.GroupByReducerDataset,
    stateful=True,
)
variant(
    "ExperimentalGroupByWindowDataset",
    grouping.GroupByWindowDataset,
    without="metadata",
)
variant("ExperimentalIgnoreErrorsDataset", functional.IgnoreErrorsDataset)
variant("ExperimentalMapAndBatchDataset", functional.MapAndBatchDataset, without="metadata")
variant("ExperimentalMapDataset", functional.MapDataset, without="metadata")
variant("ExperimentalMatchingFilesDataset", files.MatchingFilesDataset)
variant("ExperimentalMaxIntraOpParallelismDataset", basic.MaxIntraOpParallelismDataset)
variant("ExperimentalNonSerializableDataset", basic.NonSerializableDataset)
variant("ExperimentalPrivateThreadPoolDataset", basic.PrivateThreadPoolDataset)
variant("ExperimentalRandomDataset", source.RandomDataset, without="metadata", stateful=True)
variant(
    "ExperimentalScanDataset",
    functional.ScanDataset,
    without="use_default_device metadata",
)
variant("ExperimentalSlidingWindowDataset", batch.SlidingWindowDataset, without="drop_remainder")
variant("ExperimentalTakeWhileDataset", functional.TakeWhileDataset, without="metadata")
variant("ExperimentalUnbatchDataset", batch.UnbatchDataset, without="metadata")
variant("ExperimentalUniqueDataset", selection.UniqueDataset, without="metadata")
