"""tf.debugging.experimental.enable_dump_debug_info: dumps ops and their results."""

import atexit
import re
import threading
import uuid
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls import op_callbacks
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.graph.library import FUNCTIONS
from penstock._src.observe.debug_events import messages
from penstock._src.observe.debug_events.messages import TensorDebugMode as Mode
from penstock._src.observe.debug_events.stacks import Stacks
from penstock._src.observe.debug_events.writer import DebugEventsWriter
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.tensor import TensorProto
from penstock._src.util.export import export

_HEALTH = (Mode.Value("CURT_HEALTH"), Mode.Value("CONCISE_HEALTH"), Mode.Value("FULL_HEALTH"))
_NO_TENSOR, _SHAPE = Mode.Value("NO_TENSOR"), Mode.Value("SHAPE")
_FULL_TENSOR = Mode.Value("FULL_TENSOR")
_MODES = (_NO_TENSOR, *_HEALTH, _SHAPE, _FULL_TENSOR)
_DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"
# Ops whose results are those of others, or of functions whose own ops are dumped.
_SKIPPED = set(
    "Enter Exit Identity If LoopCond Merge NextIteration StatelessIf StatefulPartitionedCall PartitionedCall Switch While "
    "StatelessWhile For Case StatelessCase RemoteCall DestroyResourceOp DebugIdentityV2 DebugNumericSummaryV2".split()
)
_URL = "file://"
# Writers by their folder; functions traced for a folder that is not among them are not dumped.
_WRITERS: dict[str, DebugEventsWriter] = {}


class _Dump:
    """The dump of a thread: the callback of its ops."""

    def __init__(
        self,
        dump_root: str,
        mode: int,
        buffer_size: int,
        op_regex: str | None,
        tensor_dtypes: Sequence[DType] | Callable[[DType], bool] | None,
    ) -> None:
        self.dump_root, self.mode, self.buffer_size = dump_root, mode, buffer_size
        self._op_regex, self._tensor_dtypes = op_regex, tensor_dtypes
        self.run_id = uuid.uuid4().hex[:8]
        self._stacks = Stacks()
        self._graphs: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._count = 0  # number of tensors in graphs

    def writer(self) -> DebugEventsWriter:
        """The writer of the folder, a new one if the last dump there has ended."""
        if self.dump_root not in _WRITERS or _WRITERS[self.dump_root].is_closed:
            _WRITERS[self.dump_root] = DebugEventsWriter(
                self.dump_root, self.run_id, self.buffer_size
            )
        return _WRITERS[self.dump_root]

    def move(self, dump_root: str) -> None:
        """Continues in another folder, where frames and graphs are written again."""
        self.writer().Close()
        self.dump_root = dump_root
        self._stacks, self._graphs = Stacks(), weakref.WeakKeyDictionary()

    def callback(
        self,
        op_type: str,
        inputs: Sequence[Any],
        attrs: Any,
        outputs: Sequence[Any],
        op_name: str | None = None,
        graph: Any = None,
    ) -> None:
        """Dumps an op that has run, or has been added to a graph."""
        if graph is not None:
            self._created(op_type, inputs, outputs, op_name, graph)
        elif op_type not in _SKIPPED:
            self._executed(op_type, inputs, outputs)

    # -- eagerly

    def _executed(self, op_type: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        writer = self.writer()
        function = FUNCTIONS.get(op_type)
        execution = messages.Execution(
            op_type=op_type,
            num_outputs=len(outputs),
            graph_id=None if function is None else self._graph_id(function.graph),
            input_tensor_ids=[tensor._id for tensor in inputs],
            output_tensor_ids=[tensor._id for tensor in outputs],
            output_tensor_device_ids=[
                writer.RegisterDeviceAndGetId(tensor.device or _DEVICE) for tensor in outputs
            ],
            tensor_debug_mode=self.mode,
            code_location=self._stacks.here(writer),
        )
        if self.mode != _NO_TENSOR:
            execution.tensor_protos.extend(
                self._proto(tensor)
                for tensor in outputs
                if self._is_wanted(op_type, tensor.dtype) and tensor.dtype.is_numpy_compatible
            )
        writer.write(execution=execution)

    def _proto(self, tensor: Any) -> Any:
        """The message of an eager tensor, as the mode has it; an empty one of types that it does not cover."""
        if self.mode == _FULL_TENSOR:
            return to_proto(np.asarray(tensor.numpy()), tensor.dtype)
        if not self._is_summarized(tensor.dtype):
            return TensorProto()
        with building_unrecorded(None):
            summary = raw.DebugNumericSummaryV2(
                tensor, tensor_debug_mode=self.mode, output_dtype=dtypes.float64
            )
        return to_proto(summary.numpy(), dtypes.float64)

    def _is_summarized(self, dtype: DType) -> bool:
        if self.mode in _HEALTH:
            return dtype.is_floating
        return dtype.is_floating or dtype.is_integer or dtype.is_bool

    def _is_wanted(self, op_type: str, dtype: DType) -> bool:
        if self._op_regex and not re.match(self._op_regex, op_type):
            return False
        if self._tensor_dtypes is None:
            return True
        if callable(self._tensor_dtypes):
            return self._tensor_dtypes(dtype)
        return dtype in self._tensor_dtypes

    # -- graphs

    def _graph_id(self, graph: Any) -> str:
        """The name of a graph in the dump, to which it is written with those around it."""
        if graph not in self._graphs:
            self._graphs[graph] = str(uuid.uuid4())
            outer = getattr(graph, "outer_graph", None)
            self.writer().write(
                debugged_graph=messages.DebuggedGraph(
                    graph_id=self._graphs[graph],
                    graph_name=getattr(graph, "name", None),
                    outer_context_id=None if outer is None else self._graph_id(outer),
                )
            )
        return self._graphs[graph]

    def _created(
        self,
        op_type: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        op_name: str | None,
        graph: Any,
    ) -> None:
        writer, graph_id = self.writer(), self._graph_id(graph)
        numbers = list(range(self._count + 1, self._count + 1 + len(outputs)))
        self._count += len(outputs)
        writer.write(
            graph_op_creation=messages.GraphOpCreation(
                op_type=op_type,
                op_name=op_name,
                graph_name=getattr(graph, "name", None),
                graph_id=graph_id,
                input_names=[tensor.name for tensor in inputs],
                num_outputs=len(outputs),
                output_tensor_ids=numbers,
                code_location=self._stacks.here(writer),
            )
        )
        if op_type in _SKIPPED or not graph.building_function:
            return
        for slot, (tensor, number) in enumerate(zip(outputs, numbers, strict=True)):
            if self._is_wanted(op_type, tensor.dtype) and tensor.dtype.is_numpy_compatible:
                self._watch(tensor, number, graph_id, op_name, slot)

    def _watch(
        self, tensor: Any, number: int, graph_id: str, op_name: str | None, slot: int
    ) -> None:
        """Adds the operation that dumps a tensor at each run."""
        with building_unrecorded(tensor.graph):
            if self.mode == _NO_TENSOR:
                tensor = raw.Const(value=np.zeros(0, np.float32), dtype=dtypes.float32)
            elif self.mode != _FULL_TENSOR:
                if not self._is_summarized(tensor.dtype):
                    return
                tensor = raw.DebugNumericSummaryV2(
                    tensor,
                    tensor_id=number,
                    tensor_debug_mode=self.mode,
                    output_dtype=dtypes.float64,
                )
            raw.DebugIdentityV2(
                input=tensor,
                tfdbg_context_id=graph_id,
                op_name=op_name or "",
                output_slot=slot,
                tensor_debug_mode=self.mode,
                debug_urls=[_URL + self.dump_root],
                circular_buffer_size=self.buffer_size,
                tfdbg_run_id=self.run_id,
            )


def write_debug_tensor(op: Any, value: np.ndarray) -> bool:
    """Dumps a tensor that DebugIdentityV2 sees; returns True if this process has such a dump, which may have ended.

    Args:
      op: the op.
      value: the tensor.
    """
    writers = [_WRITERS.get(url.removeprefix(_URL)) for url in op.debug_urls]
    trace = messages.GraphExecutionTrace(
        tfdbg_context_id=op.tfdbg_context_id,
        op_name=op.op_name,
        output_slot=op.output_slot,
        tensor_debug_mode=op.tensor_debug_mode,
        tensor_proto=to_proto(np.asarray(value), op.T),
        device_name=_DEVICE,
    )
    for writer in writers:
        if writer is not None:
            writer.write(graph_execution_trace=trace)
    return None not in writers


class _Enabled(threading.local):
    """The dump of a thread."""

    dump: _Dump | None = None


_ENABLED = _Enabled()


@export("debugging.experimental.enable_dump_debug_info")
def enable_dump_debug_info(
    dump_root: str,
    tensor_debug_mode: str = "NO_TENSOR",
    circular_buffer_size: int = 1000,
    op_regex: str | None = None,
    tensor_dtypes: Any = None,
) -> DebugEventsWriter:
    """Dumps what this thread does from now on, for TensorBoard's page "Debugger V2".

    A dump has the ops that run eagerly and the functions that are called, the graphs of functions that are traced from now on with their ops, the lines of
    source that made them and, of the ops' results, what `tensor_debug_mode` says. Functions run their ops of dumps on the host, so they are slow.

    Args:
      dump_root: the folder to write to.
      tensor_debug_mode: "NO_TENSOR": that a tensor was computed; "CURT_HEALTH": whether a tensor of floats has infinities or NaN; "CONCISE_HEALTH": how many;
        "FULL_HEALTH": type, rank and signs as well; "SHAPE": type, rank and shape of any tensor; "FULL_TENSOR": all values.
      circular_buffer_size: how many of the latest executions and tensors of functions wait until they are flushed; 0 or less: all are written.
      op_regex: types of ops whose results are dumped, as `re.match` finds them.
      tensor_dtypes: types of results that are dumped: a list, or a function of a type.

    Returns:
      The writer, with `FlushNonExecutionFiles()` and `FlushExecutionFiles()`.

    Raises:
      NotImplementedError: TensorFlow has no such dumps.
      ValueError: there is no such mode, or a dump with another mode or size is enabled.

    >>> writer = tf.debugging.experimental.enable_dump_debug_info(folder, "FULL_HEALTH")
    >>> logarithm = tf.math.log(tf.constant([1.0, 0.0]))
    >>> writer.FlushExecutionFiles()
    >>> tf.debugging.experimental.disable_dump_debug_info()
    """
    if tensor_debug_mode not in Mode.keys():
        raise ValueError(
            f"Invalid value in tensor_debug_mode ('{tensor_debug_mode}'). Valid options are: {Mode.keys()}"
        )
    mode = Mode.Value(tensor_debug_mode)
    if mode not in _MODES:
        raise NotImplementedError(
            f"tfdbg dumping: support for tensor debug mode {tensor_debug_mode} is not implemented yet"
        )
    types = _checked_types(tensor_dtypes)
    dump = _ENABLED.dump
    if dump is None:
        dump = _Dump(str(dump_root), mode, circular_buffer_size, op_regex, types)
        dump.writer()
        _ENABLED.dump = dump
        op_callbacks.add(dump.callback)
        atexit.register(disable_dump_debug_info)
    elif dump.buffer_size != circular_buffer_size:
        raise ValueError(
            "There is already a dumping callback configured with a different circular-buffer size "
            f"({dump.buffer_size}). Therefore the newly request circular-buffer size ({circular_buffer_size}) "
            "will not be honored."
        )
    elif dump.mode != mode:
        raise ValueError(
            f"There is already a dumping callback configured for dump root {dump.dump_root} with a different tensor-debug "
            f"mode ({Mode.Name(dump.mode)}). Therefore the newly request tensor-debug mode ({tensor_debug_mode}) size will "
            "not be honored."
        )
    if dump.dump_root != str(dump_root):
        dump.move(str(dump_root))
    return dump.writer()


def _checked_types(tensor_dtypes: Any) -> Any:
    if tensor_dtypes is None or callable(tensor_dtypes):
        return tensor_dtypes
    if not isinstance(tensor_dtypes, list | tuple):
        raise ValueError(
            "If specified, tensor_dtypes is expected to be a list, a tuple, or a callable that takes a DType argument and "
            f"returns a boolean, but received {tensor_dtypes}"
        )
    return [dtypes.as_dtype(each) for each in tensor_dtypes]


@export("debugging.experimental.disable_dump_debug_info")
def disable_dump_debug_info() -> None:
    """Ends the dump of this thread and writes all that waits; functions that were traced meanwhile dump no more."""
    dump, _ENABLED.dump = _ENABLED.dump, None
    if dump is not None:
        op_callbacks.remove(dump.callback)
        _WRITERS[dump.dump_root].Close()
