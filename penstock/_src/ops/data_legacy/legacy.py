"""Older dataset ops that differ from the current ones in more than the name."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import INDEX
from penstock._src.ops.csv import dataset
from penstock._src.ops.data import nested
from penstock._src.ops.data.iteration.resume import Applied, Resumable
from penstock._src.ops.data.iteration.seeds import SeedGenerator
from penstock._src.ops.data.pipeline import (
    UNKNOWN,
    Pipeline,
    PipelineOp,
    UnnamedDatasetOp,
    positive,
)
from penstock._src.ops.data.readers import files
from penstock._src.ops.data.shuffle import ShuffleAndRepeatDatasetV2
from penstock._src.ops.parsing import example
from penstock._src.ops.sparse.variants import RaggedValue
from penstock._src.ops.variants import variant


class FixedLengthRecordDataset(PipelineOp):
    """The records of files in which all have the same length."""

    signature = """filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64,
        buffer_size: int64 -> handle: variant[]"""
    ranks = {"filenames": (0, 1)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    metadata: str = ""
    stateful = True

    def pipeline(self, *inputs):
        plain = np.array(b"", object)
        return files.FixedLengthRecordDatasetV2.pipeline(self, *inputs, plain)


class CSVDataset(UnnamedDatasetOp):
    """The rows of files of comma-separated values, a component per column."""

    signature = """filenames: string, compression_type: string, buffer_size: int64, header: bool,
        field_delim: string, use_quote_delim: bool, na_value: string, select_cols: int64,
        record_defaults: *output_types -> handle: variant"""
    ranks = {"filenames": (0, 1)}
    permissions = Permissions(capabilities="read_files", file_arguments="filenames")
    output_types = INDEX | frozenset({dtypes.float32, dtypes.float64, dtypes.string})
    output_shapes: list[TensorShape]
    stateful = True

    def pipeline(self, *inputs):
        return dataset.CSVDatasetV2.pipeline(self, *inputs, np.zeros(0, np.int64))


variant(
    "ExperimentalCSVDataset",
    CSVDataset,
    output_types=INDEX | frozenset({dtypes.float32, dtypes.float64, dtypes.string}),
    stateful=True,
)


class _Interleaved(UnnamedDatasetOp):
    """Elements in turn of each of `cycle_length` datasets that `f` makes."""

    f: Function
    output_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""

    def pipeline(self, input_dataset, other_arguments, cycle_length, block_length, *rest):
        block = positive(self, "`block_length`", block_length)
        cycle = nested._cycle(self, cycle_length)
        return nested.InterleaveOfThreads(
            input_dataset,
            self.f,
            other_arguments,
            cycle,
            block,
            cycle,
            getattr(self, "deterministic", "true"),
        )


class ParallelInterleaveDataset(_Interleaved):
    """InterleaveDataset with prefetching by threads."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, sloppy: bool, buffer_output_elements: int64,
        prefetch_input_elements: int64 -> handle: variant"""


variant("ExperimentalParallelInterleaveDataset", ParallelInterleaveDataset, without="metadata")


class LegacyParallelInterleaveDatasetV2(_Interleaved):
    """ParallelInterleaveDataset with `deterministic` instead of `sloppy`."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, buffer_output_elements: int64, prefetch_input_elements: int64
        -> handle: variant"""
    deterministic: str = "default"


class ParallelInterleaveDatasetV3(_Interleaved):
    """ParallelInterleaveDatasetV4 without prefetching."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, num_parallel_calls: int64 -> handle: variant"""
    deterministic: str = "default"


class ShuffleAndRepeatDataset(UnnamedDatasetOp):
    """The elements in random order, `count` times over."""

    signature = """input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64,
        count: int64 -> handle: variant"""
    output_types: list[DType]
    output_shapes: list[TensorShape]
    reshuffle_each_iteration: bool = True
    metadata: str = ""

    def pipeline(self, input_dataset, buffer_size, seed, seed2, count):
        seeds = SeedGenerator(int(seed), int(seed2), self.reshuffle_each_iteration, restarts=True)
        return ShuffleAndRepeatDatasetV2.pipeline(
            self, input_dataset, buffer_size, seed, seed2, count, seeds
        )


class SplitBatches(Pipeline):
    """Every batch of the input as `parts` smaller ones."""

    def __init__(self, source, parts):
        self.inputs, self.parts = (source,), parts

    def cardinality(self):
        return UNKNOWN

    def iterate(self, run):
        return BatchParts(self.inputs[0].iterate(run), self.parts)


class BatchParts(Resumable):
    """Iterates over parts of batches."""

    plain = ("batch", "at")

    def __init__(self, source, parts):
        self.source, self.parts = source, parts
        self.batch, self.at = (), parts

    def __next__(self):
        if self.at == self.parts:
            self.batch, self.at = next(self.source), 0
        at, self.at = self.at, self.at + 1
        sizes = [-(-len(component) // self.parts) for component in self.batch]
        return tuple(
            component[at * size : (at + 1) * size]
            for component, size in zip(self.batch, sizes, strict=True)
        )


class RebatchDataset(UnnamedDatasetOp):
    """Batches split into `num_replicas` parts."""

    signature = "input_dataset: variant, num_replicas: int64 -> handle: variant"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    use_fallback: bool = True

    def pipeline(self, input_dataset, num_replicas):
        return SplitBatches(input_dataset, positive(self, "num_replicas", num_replicas))


variant("ExperimentalRebatchDataset", RebatchDataset)


class _Parsed(UnnamedDatasetOp):
    """The features of batches of serialized examples."""

    signature = """input_dataset: variant, num_parallel_calls: int64, dense_defaults: *Tdense
        -> handle: variant"""
    sparse_keys: list[str]
    dense_keys: list[str]
    sparse_types: [{dtypes.float32, dtypes.int64, dtypes.string}]
    Tdense = frozenset({dtypes.float32, dtypes.int64, dtypes.string})
    dense_shapes: list[TensorShape]
    output_types: list[DType]
    output_shapes: list[TensorShape]

    ragged_keys = ragged_value_types = ragged_split_types = ()

    def pipeline(self, input_dataset, num_parallel_calls, dense_defaults):
        return _ParseExamples(input_dataset, self, dense_defaults)


class ParseExampleDataset(_Parsed):
    """The features of batches of serialized examples."""

    sloppy: bool = False
    ragged_keys: list[str] = []
    ragged_value_types: [{dtypes.float32, dtypes.int64, dtypes.string}] = []
    ragged_split_types: [INDEX] = []


class ParseExampleDatasetV2(_Parsed):
    """The features of batches of serialized examples."""

    deterministic: str = "default"
    ragged_keys: list[str] = []
    ragged_value_types: [{dtypes.float32, dtypes.int64, dtypes.string}] = []
    ragged_split_types: [INDEX] = []


class ExperimentalParseExampleDataset(_Parsed):
    """The features of batches of serialized examples."""

    sloppy: bool = False


class _ParseExamples(Pipeline):
    """Components in the order of the sorted keys: sparse ones as vectors of three variants."""

    def __init__(self, source, op, defaults):
        self.inputs, self.op, self.defaults = (source,), op, defaults

    def iterate(self, run):
        return Applied(self.inputs[0].iterate(run), self._parsed)

    def _parsed(self, element):
        op, (serialized,) = self.op, element
        names, keys = np.zeros(0, object), [*op.sparse_keys, *op.dense_keys, *op.ragged_keys]
        rows = list(np.reshape(serialized, -1))
        parsed = example.read_examples(op, rows, names, keys, self._by_key)
        return tuple(parsed[key] for key in sorted(parsed))

    def _by_key(self, batch):
        op = self.op
        sparse, dense = list(op.sparse_keys), list(op.dense_keys)
        parsed = dict(
            zip(sparse, map(_triple, *example.sparse_columns(op, batch, sparse)), strict=True)
        )
        parsed |= zip(dense, example.dense_columns(op, batch, dense, self.defaults), strict=True)
        kinds = zip(op.ragged_keys, op.ragged_value_types, op.ragged_split_types, strict=True)
        for key, kind, splits in kinds:
            parsed[key] = _ragged(*batch.ragged(key, kind, splits))
        return parsed


def _triple(indices, values, shape):
    triple = np.empty(3, object)
    triple[0], triple[1], triple[2] = indices, values, shape
    return triple


def _ragged(values, splits):
    return RaggedValue([splits], values)
