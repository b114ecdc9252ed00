"""Datasets by generator functions and by index, functions mapped over rows, compressed elements."""

import pickle
import zlib

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Effects, Flow, Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.filesystems.files import open_file
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import Resumable
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    UnnamedDatasetOp,
    scalar,
    text,
)
from penstock._src.ops.data.source import _Repeated
from penstock._src.ops.data_iterators.handle import IteratorHandle
from penstock._src.ops.data_iterators.iterators import (
    AnonymousIteratorV3,
    IteratorFromStringHandleV2,
    IteratorV2,
)
from penstock._src.ops.variants import variant
from penstock._src.util.files import records


class _Generated(Pipeline):
    def __init__(self, functions, captured):
        self.functions, self.captured = functions, captured

    def cardinality(self):
        return UNKNOWN

    def iterate(self, run):
        return Generated(*map(self.call, self.functions, self.captured, [run] * 3), run)

    def call(self, function, captured, run):
        return bound(function, captured, run, occurrence=self.occurrence)


class Generated(Resumable):
    """Iterates over the results of a function on a state until it raises OutOfRangeError."""

    plain, sources = (), ()

    def __init__(self, start, step, finish, run):
        self.generator = _Generator(start, step, finish)
        self.end = run.ends_with(self, self.generator.close)

    def save(self):
        return {"state": self.generator.state, "has_ended": self.generator.has_ended}

    def restore(self, state):
        self.generator.state, self.generator.has_ended = state["state"], state["has_ended"]

    def __next__(self):
        try:
            return self.generator.next()
        except OutOfRangeError:
            self.end()
            raise StopIteration from None


class _Generator:
    """The functions and their state; `close` calls the last one, once there is a state."""

    def __init__(self, start, step, finish):
        self.start, self.step, self.finish = start, step, finish
        self.state, self.has_ended = None, False

    def next(self):
        if self.has_ended:
            raise StopIteration
        if self.state is None:
            self.state = list(self.start())
        return tuple(self.step(*self.state))

    def close(self):
        if self.state is not None and not self.has_ended:
            self.finish(*self.state)
        self.has_ended = True


class GeneratorDataset(DatasetOp):
    """The results of `next_func` on the state that `init_func` made, until it raises OutOfRange."""

    signature = """init_func_other_args: *Tinit_func_args, next_func_other_args: *Tnext_func_args,
        finalize_func_other_args: *Tfinalize_func_args -> handle: variant"""
    init_func: Function
    next_func: Function
    finalize_func: Function
    stateful = True

    def pipeline(self, init_func_other_args, next_func_other_args, finalize_func_other_args):
        functions = (self.init_func, self.next_func, self.finalize_func)
        captured = (init_func_other_args, next_func_other_args, finalize_func_other_args)
        return _Generated(functions, captured)


class _Weighted(Pipeline):
    def __init__(self, sources, weights):
        self.inputs, self.weights = tuple(sources), weights

    def cardinality(self):
        counts = [source.cardinality() for source in self.inputs]
        return INFINITE if INFINITE in counts else UNKNOWN if UNKNOWN in counts else sum(counts)

    def iterate(self, run):
        return Weighted([source.iterate(run) for source in self.inputs], self.weights)


class Weighted(Resumable):
    """Iterates over elements of several iterators in the proportion of weights."""

    plain, sources = ("taken",), ("parts",)

    def __init__(self, parts, weights):
        # A part is None once it has ended.
        self.parts, self.weights, self.taken = parts, weights, [0] * len(parts)

    def due(self, at):
        """When the next element of a part is due."""
        return (self.taken[at] + 1) / self.weights[at] if self.weights[at] else np.inf

    def __next__(self):
        while left := [at for at, part in enumerate(self.parts) if part is not None]:
            at = min(left, key=self.due)
            element = next(self.parts[at], None)
            if element is not None:
                self.taken[at] += 1
                return element
            self.parts[at] = None
        raise StopIteration


class WeightedFlatMapDataset(DatasetOp):
    """The elements of several datasets, taken in the proportion of their weights."""

    signature = "input_datasets: N * variant, weights: M * float64 -> handle: variant"

    def pipeline(self, input_datasets, weights):
        return _Weighted(input_datasets, [float(w) for w in weights])


class MapDefun(Op):
    """The results of a function on each row of the arguments, stacked."""

    signature = "arguments: *Targuments, captured_inputs: *Tcaptured -> output: *output_types"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    f: Function
    max_intra_op_parallelism: int = 1

    def shape(self, arguments, captured_inputs):
        rows = [arguments[0][0]] if arguments[0].rank else [None]
        return [TensorShape(rows).concatenate(shape) for shape in self.output_shapes]

    def eager(self, arguments, captured_inputs):
        rows = {len(a) if np.ndim(a) else -1 for a in arguments}
        if len(rows) != 1 or -1 in rows:
            raise InvalidArgumentError(
                "MapDefun: All inputs must have the same dimension 0. Received shapes "
                f"{[list(np.shape(a)) for a in arguments]}"
            )
        call = bound(self.f, captured_inputs)
        results = [call(*(a[at, ...] for a in arguments)) for at in range(rows.pop())]
        if not results:
            return [
                np.zeros([0, *shape.as_list()], dtype.np)
                for shape, dtype in zip(self.output_shapes, self.output_types)
            ]
        for result in results:
            for at, (part, shape) in enumerate(zip(result, self.output_shapes)):
                if not shape.is_compatible_with(np.shape(part)):
                    raise self.invalid(
                        f"Mismatch in function retval shape, {list(np.shape(part))}, and expected "
                        f"output shape {shape} of result {at}"
                    )
        return [np.stack([np.asarray(part) for part in parts]) for parts in zip(*results)]


class Compressed:
    """The components of an element, compressed."""

    def __init__(self, components, types):
        self.types = types
        self.data = zlib.compress(pickle.dumps([np.asarray(c) for c in components], 5), 1)

    def components(self):
        """The components."""
        return pickle.loads(zlib.decompress(self.data))


class CompressElement(Op):
    """An element in one variant, compressed."""

    signature = "components: *input_types -> compressed: variant[]"
    minimum = {"input_types": 1}
    input_types: list[DType]

    def eager(self, components):
        return Compressed(components, self.input_types)


class UncompressElement(Op):
    """The components of a compressed element."""

    signature = "compressed: variant[] -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]

    def eager(self, compressed):
        packed = compressed.item() if isinstance(compressed, np.ndarray) else compressed
        if not isinstance(packed, Compressed):
            raise InvalidArgumentError("Compressed element is not a compressed element.")
        components = packed.components()
        if len(components) != len(self.output_types):
            raise FailedPreconditionError(
                f"Expected {len(self.output_types)} outputs from uncompress, but got {len(components)}"
            )
        for at, (dtype, part) in enumerate(zip(self.output_types, packed.types, strict=True)):
            if dtype is not part:
                raise FailedPreconditionError(
                    f"Expected a tensor of type {dtype.name} at index {at} but got a tensor of type "
                    f"{part.name}"
                )
        return components


class WindowOp(UnnamedDatasetOp):
    """A dataset of one element with the given tensors."""

    signature = "inputs: *Tinputs -> handle: variant"

    def pipeline(self, inputs):
        return _Repeated([tuple(inputs)])


class AnonymousIterator(AnonymousIteratorV3):
    """An iterator that lives as long as it is referenced."""


class Iterator(IteratorV2):
    """An iterator with a name."""


class IteratorFromStringHandle(IteratorFromStringHandleV2):
    """The iterator of a string handle."""


class IteratorGetDevice(Op):
    """The device of an iterator."""

    signature = "resource: resource -> device: string[]"
    effects = Effects(reads_only=True)

    def eager(self, resource):
        if not isinstance(resource, IteratorHandle):
            raise InvalidArgumentError(f"Expected an iterator. Received {resource!r}")
        return b"/job:localhost/replica:0/task:0/device:CPU:0"


variant("ExperimentalIteratorGetDevice", IteratorGetDevice)


class GetOptions(Op):
    """The options of a dataset, serialized."""

    signature = "input_dataset: variant -> serialized_options: string[]"

    def eager(self, input_dataset):
        return input_dataset.options().get("serialized", b"")


class DatasetToTFRecord(Op):
    """Writes the strings of a dataset to a TFRecord file."""

    signature = "input_dataset: variant, filename: string, compression_type: string ->"
    permissions = Permissions(capabilities="write_files", file_arguments="filename")
    stateful = True
    flow = Flow(iteration="elements")

    def eager(self, input_dataset, filename, compression_type):
        run = Run(input_dataset.options())
        writer = records.RecordFile(open_file(text(filename), "wb"), text(compression_type))
        try:
            for (record,) in input_dataset.iterate(run):
                writer.write(scalar(record))
        finally:
            writer.close()
            run.close()


variant("ExperimentalDatasetToTFRecord", DatasetToTFRecord)
