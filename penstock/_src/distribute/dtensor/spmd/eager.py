"""Runs ops and functions on the shards of eager DTensors."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE, building_unrecorded, record
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.distribute.dtensor.layout import UNSHARDED, Layout
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.spmd.partition import (
    Part,
    done_on_shards,
    layouts_of_results,
    partitioned,
    shape_held,
)
from penstock._src.distribute.dtensor.spmd.plans import Call, Specs, whole
from penstock._src.distribute.dtensor.spmd.relayout import is_of_processes, relaid
from penstock._src.distribute.dtensor.spmd.rules.table import plan_of
from penstock._src.distribute.dtensor.values import DTensor, ShardedTensor, shard_of
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.explaining import LAST_PARTITION
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.ops.data_iterators.handle import IteratorHandle

# Rules may read the values of inputs with at most this many elements.
SMALL = 256
# Returns the mesh dimension along which functions divide elements of iterators, or UNSHARDED; "" for no preference.
# If it is not "", results of functions are whole.
DATA: list[Callable[[], str]] = []


class _Here(threading.local):
    # The ops that run now are those on shards.
    is_on_shards = False


HERE = _Here()


@contextlib.contextmanager
def on_shards() -> Iterator[None]:
    """Within the block ops run on local values, and tapes do not record them."""
    before, HERE.is_on_shards = HERE.is_on_shards, True
    try:
        with building_unrecorded(None):
            yield
    finally:
        HERE.is_on_shards = before


def layout_of(tensor: Any) -> Layout | None:
    """The layout of a DTensor, or of the variable that a handle refers to; None if it has none."""
    if isinstance(tensor, DTensor):
        return tensor.layout
    return getattr(tensor._value, "layout", None) if tensor.dtype is dtypes.resource else None


def mesh_of_shards(tensors: Iterable[Any]) -> Mesh | None:
    """Return the mesh of processes that holds tensors, or the variables of handles.

    Raises:
      InvalidArgumentError: they are on several.
    """
    mesh = mesh_of(tensors)
    return mesh if mesh is not None and is_of_processes(mesh) else None


def mesh_of(tensors: Iterable[Any], what: str = "a function") -> Mesh | None:
    """Return the mesh of DTensors and of the variables of handles.

    Raises:
      InvalidArgumentError: they are on several.
    """
    meshes = {layout.mesh for t in tensors if (layout := layout_of(t)) is not None}
    if len(meshes) > 1:
        raise InvalidArgumentError(
            f"{what}: all DTensors must be on one mesh. Received: {', '.join(map(str, meshes))}"
        )
    return meshes.pop() if meshes else None


def _part(tensor: Any) -> Part:
    """An eager tensor as a part of a whole one; one without a layout is whole in every process."""
    layout = layout_of(tensor)
    if tensor.dtype is dtypes.resource:
        handle_data = getattr(tensor, "_handle_data", None)
        shape = handle_data[0][0]._dims if handle_data else ()
    elif type(tensor._value) is np.ndarray:
        shape = tensor._shape_tuple()
    else:
        shape = ()
    specs = whole(len(shape or ())) if layout is None else tuple(layout.sharding_specs)
    local = EagerTensor(tensor._value, tensor.dtype)
    if handle_data := getattr(tensor, "_handle_data", None):
        local._handle_data = handle_data
    return Part(local, specs, shape)


def call_of(op: Op, tensors: Sequence[Any], mesh: Mesh) -> Call:
    """Returns the question to a rule about an op on eager tensors."""
    graph = FuncGraph(op.op_type)
    graph.enclosing = None
    parts = [_part(t) for t in tensors]
    with building_unrecorded(graph):
        inputs = [_symbolic(graph, t, part) for t, part in zip(tensors, parts)]
        node = graph.add(op, inputs)
    shapes = [part.shape for part in parts]
    outputs = [shape_held(t) for t in node.outputs]
    return Call(op, inputs, shapes, [part.specs for part in parts], outputs, mesh)


def _symbolic(graph: FuncGraph, tensor: Any, part: Part) -> Any:
    """A DTensor's symbolic form for rules; small values of whole ones are known."""
    value = tensor._value
    is_array = type(value) is np.ndarray
    is_known = not isinstance(tensor, ShardedTensor) or tensor.holds_whole
    if is_array and is_known and value.size <= SMALL and value.dtype.kind in "iub":
        return graph.constant(value, tensor.dtype, None)
    shape = TensorShape(part.shape if is_array else [])
    placeholder = graph.placeholder(tensor.dtype, shape, "input")
    placeholder._handle_data = getattr(tensor, "_handle_data", None)
    return placeholder


def op_on_shards(op: Op, tensors: Sequence[Any], mesh: Mesh) -> list[Any]:
    """Runs an op on the shards of tensors; its results are DTensors, and tapes record it."""
    call = call_of(op, tensors, mesh)
    with on_shards():
        results = done_on_shards(call, plan_of(call), [_part(t) for t in tensors])
    outputs = [_finished(part.tensor, part.specs, mesh) for part in results]
    if STATE.tapes or STATE.accumulators:
        record(op, tensors, outputs)
    return outputs


def _finished(tensor: Any, specs: Specs, mesh: Mesh) -> Any:
    if type(tensor._value) is not np.ndarray:
        return tensor
    return shard_of(EagerTensor(tensor._value, tensor.dtype), Layout(specs, mesh))


def function_on_dtensors(
    function: GraphFunction, tensors: Sequence[Any], default: Mesh | None = None
) -> list[Any] | None:
    """Run a function on DTensors or variables with layouts; return None if none is and there is no default mesh."""
    mesh = None if HERE.is_on_shards else mesh_of(tensors, function.name) or default
    if mesh is None:
        return None
    specs = [_part(t).specs for t in tensors]
    if not is_of_processes(mesh):
        results = function.run([t._value for t in tensors])
        layouts = layouts_of_results(function, specs, mesh)
        return [
            _with_layout(EagerTensor(value, dtype), cuts, mesh)
            for value, dtype, cuts in zip(results, function.output_types, layouts, strict=True)
        ]
    data = next((dimension for ask in DATA if (dimension := ask())), "")
    is_divided = data not in ("", UNSHARDED) and _divides_elements(tensors, mesh[data].size)
    outputs = None
    if data:
        outputs = [whole(len(shape_held(t) or ())) for t in function.outputs]
    partition = partitioned(function, specs, mesh, outputs, data if is_divided else UNSHARDED)
    function.derived[LAST_PARTITION] = partition
    values = partition.function.run([t._value for t in tensors])
    dimension = zip(values, function.output_types, partition.specs, strict=True)
    return [_finished(EagerTensor(value, dtype), cuts, mesh) for value, dtype, cuts in dimension]


def _divides_elements(tensors: Sequence[Any], count: int) -> bool:
    """True if the next elements of all iterators among the tensors have rows that divide evenly."""
    for tensor in tensors:
        if isinstance(tensor._value, IteratorHandle):
            element = tensor._value.peek() or ()
            rows = {value.shape[0] for value in element if getattr(value, "ndim", 0)}
            if any(extent % count for extent in rows):
                return False
    return True


def _with_layout(tensor: EagerTensor, specs: Specs, mesh: Mesh) -> EagerTensor:
    """A result of whole values with its layout, which is whole where the shape cannot be divided."""
    if type(tensor._value) is not np.ndarray or len(specs) != tensor._value.ndim:
        return tensor
    extents = zip(specs, tensor._value.shape)
    cuts = [s if s == UNSHARDED or n % mesh[s].size == 0 else UNSHARDED for s, n in extents]
    tensor.__class__ = DTensor
    tensor._layout = Layout(cuts, mesh)
    return tensor


def relaid_tensor(tensor: Any, layout: Layout) -> ShardedTensor:
    """Returns a tensor in a layout on processes; one without a layout is the same in all."""
    old = tuple(tensor.layout.sharding_specs) if isinstance(tensor, ShardedTensor) else None
    new = tuple(layout.sharding_specs)
    local = EagerTensor(tensor._value, tensor.dtype)
    with on_shards():
        shard = relaid(local, old or whole(len(new)), new, layout.mesh)
    return shard_of(EagerTensor(shard._value, tensor.dtype), layout)
