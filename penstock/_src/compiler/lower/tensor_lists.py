"""Lists of tensors as dense buffers.

While a loop's body is traced for the first time, a list argument may not have memory yet (`ListValue.awaits`,
`buffer` is None): the ops here then only record the shape of the elements, and elements read from the list are unknown values
of that shape. The loop allocates memory and traces again. Any other list without memory holds zeros, also in a branch, and gets
memory at the first write.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.lowering import Lowering, handler, raw_op
from penstock._src.compiler.lower.values import (
    DynamicRows,
    HostValue,
    ListValue,
    Lowered,
    known_length,
)
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir.build.leaves import new_scope
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node, Shape


def _list(value: Lowered, dtype: Any = None) -> ListValue:
    if isinstance(value, HostValue):
        raise NotLowerable(value.why)
    if not isinstance(value, ListValue):
        raise NotLowerable("a list of tensors is required")
    return value


def _node(value: Lowered) -> Node:
    if not isinstance(value, Node):
        raise NotLowerable("an element of a list must be an array")
    return value


def _index(p: LoweringContext, node: Lowered) -> Node:
    return p.reshape(_node(node), ())


def _shape_input(p: LoweringContext, node: Lowered) -> Shape | None:
    """The shape in an `element_shape` input, or None if it is not fully known."""
    node = _node(node)
    known = p.known.symbolic(node)
    # -1 means unknown, as does a scalar of any value.
    if known is None or known.ndim == 0 or any(d < 0 for d in known.flat):
        return None
    return tuple(known.reshape(-1))


def _element_shape(
    p: LoweringContext,
    tensor_list: ListValue,
    shape_input: Lowered | None,
    op: Operation | None = None,
) -> Shape:
    """The shape of the elements, from the list, an input of the op, or its static shape."""
    if tensor_list.element_shape is not None:
        return tensor_list.element_shape
    shape = None if shape_input is None else _shape_input(p, shape_input)
    if shape is not None:
        return shape
    if op is not None and op._outputs[-1].shape.is_fully_defined():
        return tuple([int(d or 0) for d in op._outputs[-1].shape.as_list()])
    raise NotLowerable("the shape of the list's elements is not known")


def _unknown(p: LoweringContext, shape: Shape, tensor_list: ListValue) -> Node:
    """The value read from a list without memory: unknown but for its type if a loop will set it, else zeros."""
    if not tensor_list.awaits:
        zeros: Node = p.full(shape, 0, tensor_list.dtype)
        return zeros
    # A scope of its own: two unknown values are never one node.
    return p.parameter(0, shape, tensor_list.dtype, "unknown", scope=new_scope(max(p.depth, 1)))


def _checked(dtype: Any) -> Any:
    if dtype in (dtypes.string, dtypes.variant, dtypes.resource):
        raise NotLowerable(f"lists of {dtype.name} are held by the host")
    return dtype


@handler("EmptyTensorList")
def _empty(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    shape, limit = _shape_input(p, args[0]), p.known.symbolic(_node(args[1]))
    capacity = None
    if limit is not None and limit.reshape(-1)[0] >= 0:
        capacity = limit.reshape(-1)[0]
    empty = ListValue(
        _checked(raw_op(op).element_dtype), None, p.constant(0, dtypes.int32), capacity, shape
    )
    if capacity is not None and shape is not None:
        return [empty.allocated(p)]
    return [empty]


@handler("TensorListReserve")
def _reserve(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    shape, count = _shape_input(p, args[0]), p.dims(_node(args[1]))
    if count is None:
        raise NotLowerable("the number of elements to reserve is not known")
    length = p.cast(_index(p, args[1]), dtypes.int32)
    reserved = ListValue(_checked(raw_op(op).element_dtype), None, length, count[0], shape)
    return [reserved.allocated(p) if shape is not None else reserved]


@handler("TensorListFromTensor")
def _from_tensor(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor = lowering.p, _node(args[0])
    _checked(tensor.dtype)
    length = p.scalar(tensor.shape[0], dtypes.int32)
    return [ListValue(tensor.dtype, None, length, None).with_buffer(tensor)]


@handler("TensorListSetItem")
def _set_item(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list, item = lowering.p, _list(args[0]), _node(args[2])
    if raw_op(op).resize_if_index_out_of_bounds:
        return [_set_or_grow(p, tensor_list, args[1], item)]
    if tensor_list.buffer is None:
        if tensor_list.awaits or (tensor_list.capacity is None and not p.depth):
            return [_noted(tensor_list, item)]
        if tensor_list.capacity is None:
            raise NotLowerable("a list without a length is written to")
        tensor_list = tensor_list.allocated(p, item.shape)
    _check_element(tensor_list, item)
    _check_index(p, tensor_list, args[1], "Tried to write to index, which is not in the list")
    return [
        tensor_list.with_buffer(p.dynamic_set_index(tensor_list.memory, _index(p, args[1]), item))
    ]


def _check_index(p: LoweringContext, tensor_list: ListValue, index: Lowered, message: str) -> None:
    """Makes the program fail for an index outside of the list, unless it is known to be within."""
    known, length = p.dims(_node(index)), known_length(p, tensor_list)
    if known is not None and length is not None and 0 <= known[0] < length:
        return
    at = _index(p, index)
    within, lengths = p.bounds(at), p.bounds(tensor_list.length)
    if within is not None and lengths is not None and 0 <= within[0] <= within[1] < lengths[0]:
        # The range of an index or length is known inside a loop with a known number of steps.
        return
    if p.is_recorded(at):
        return  # it was within the list when the loop used it that this one is the gradient of
    inside = p.and_(p.ge(at, 0), p.lt(at, p.cast(tensor_list.length, at.dtype)))
    p.check(inside, f"{message}: list index out of range")


def _set_or_grow(
    p: LoweringContext, tensor_list: ListValue, index: Lowered, item: Node
) -> ListValue:
    """SetItem where the list may become longer: only for indices that are known."""
    known, length = p.dims(_node(index)), known_length(p, tensor_list)
    if known is None or (length is None and tensor_list.buffer is not None):
        return _set_or_grow_somewhere(p, tensor_list, p.cast(_index(p, index), dtypes.int32), item)
    if (
        length is None
        or tensor_list.buffer is None
        and tensor_list.capacity is None
        and tensor_list.awaits
    ):
        raise NotLowerable("a list of unknown length grows")
    wanted = dims.maximum(length, known[0] + 1)
    grown = (
        tensor_list
        if _has_room(tensor_list, length, known[0])
        else _resized(p, tensor_list, wanted, item.shape)
    )
    _check_element(grown, item)
    written = grown.with_buffer(p.dynamic_set_index(grown.memory, _index(p, index), item))
    return replace(written, length=p.scalar(wanted, dtypes.int32), pushed=None)


def _has_room(tensor_list: ListValue, length: dims.Extent, index: dims.Extent) -> bool:
    """True if an element can be set at an index, or appended there, where the list is: a loop gave it memory for more."""
    if tensor_list.buffer is None or any(
        map(dims.is_symbolic, (length, index, tensor_list.buffer.shape[0]))
    ):
        return False
    return 0 <= index <= length and index < tensor_list.buffer.shape[0]


def _set_or_grow_somewhere(
    p: LoweringContext, tensor_list: ListValue, at: Node, item: Node
) -> ListValue:
    """SetItem of a list that may grow, in a loop with a known range of the index."""
    length = p.maximum(tensor_list.length, p.add(at, 1))
    within = p.bounds(at)
    if (
        tensor_list.buffer is None
        or within is None
        or not 0 <= within[0] <= within[1] < tensor_list.buffer.shape[0]
    ):
        if tensor_list.awaits if tensor_list.buffer is None else p.depth and p.depth == p.trial:
            return replace(_noted(tensor_list, item), length=length, buffer=None, awaits=True)
        raise NotLowerable("a list grows at an index that is not known")
    _check_element(tensor_list, item)
    written = tensor_list.with_buffer(p.dynamic_set_index(tensor_list.memory, at, item))
    return replace(written, length=length, pushed=None)


def _noted(tensor_list: ListValue, item: Node) -> ListValue:
    """A list without memory, its elements' shape now known."""
    shape = tensor_list.element_shape if tensor_list.element_shape is not None else item.shape
    return replace(tensor_list, element_shape=shape, pushed=None, noted=True)


def _check_element(tensor_list: ListValue, item: Node) -> None:
    if tensor_list.memory.shape[1:] != item.shape:
        raise NotLowerable("the elements of a list have different shapes")


@handler("TensorListGetItem")
def _get_item(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list = lowering.p, _list(args[0])
    _check_index(p, tensor_list, args[1], "Tried to access an element that is not in the list")
    if tensor_list.buffer is None:
        shape = _element_shape(p, tensor_list, args[2], op)
        return [_unknown(p, shape, tensor_list)]
    return [p.dynamic_index(tensor_list.buffer, _index(p, args[1]))]


@handler("TensorListPushBack")
def _push_back(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list, item = lowering.p, _list(args[0]), _node(args[1])
    length = p.add(tensor_list.length, 1)
    if tensor_list.buffer is None and tensor_list.awaits:
        # Holds while every push so far was of this very node: then the loop may fill its memory before it begins.
        same = (
            item
            if tensor_list.element_shape is None or tensor_list.pushed in (None, item)
            else None
        )
        noted = _noted(tensor_list, item)
        return [replace(noted, length=length, pushed=same)]
    if tensor_list.pushed is item and tensor_list.buffer is not None:
        return [replace(tensor_list, length=length)]  # its memory repeats this very item
    known = known_length(p, tensor_list)
    if tensor_list.buffer is None or (known is not None and known >= tensor_list.buffer.shape[0]):
        if known is None:
            raise NotLowerable("a list of unknown length grows")
        tensor_list = _resized(p, tensor_list, known + 1, item.shape)
    _check_element(tensor_list, item)
    buffer = p.dynamic_set_index(tensor_list.memory, p.sub(length, 1), item)
    return [ListValue(tensor_list.dtype, None, length, None).with_buffer(buffer)]


@handler("TensorListPopBack")
def _pop_back(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list = lowering.p, _list(args[0])
    length = p.sub(tensor_list.length, 1)
    if tensor_list.buffer is None:
        shape = _element_shape(p, tensor_list, args[1], op)
        shorter = replace(tensor_list, length=length, element_shape=shape, pushed=None)
        return [shorter, _unknown(p, shape, tensor_list)]
    shorter = ListValue(tensor_list.dtype, None, length, None).with_buffer(tensor_list.buffer)
    item = p.dynamic_index(tensor_list.buffer, length)
    # A number that a loop has used before it was recorded: as an index it was valid then.
    p.recorded.add(item.id)
    return [shorter, item]


@handler("TensorListLength")
def _length(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return [_list(args[0]).length]


@handler("TensorListElementShape")
def _shape_of_elements(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    tensor_list = _list(args[0])
    dtype = raw_op(op).shape_type
    if tensor_list.element_shape is None:
        return [lowering.p.constant(-1, dtype)]
    return [lowering.p.shape_value(tensor_list.element_shape, dtype)]


@handler("TensorListStack")
def _stack(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list = lowering.p, _list(args[0])
    count, wanted = known_length(p, tensor_list), raw_op(op).num_elements
    if wanted >= 0 and count is not None and not tensor_list.awaits and count != wanted:
        raise NotLowerable("the list to stack has another number of elements than it is to have")
    # The buffer has room for all steps; how many it took is known only after them.
    if count is None and tensor_list.buffer is not None:
        if wanted >= 0:
            has_them = p.eq(p.cast(tensor_list.length, dtypes.int32), wanted)
            p.check(has_them, f"Operation expected a list with {wanted} elements")
        return [DynamicRows(tensor_list.buffer, p.cast(tensor_list.length, dtypes.int32))]
    if count is None:
        raise NotLowerable("the length of the list to stack is not known")
    if tensor_list.buffer is None:
        shape = _element_shape(p, tensor_list, args[1])
        shape_of_stack = (count, *shape)
        return [_unknown(p, shape_of_stack, tensor_list)]
    return [p.slice_axis(tensor_list.buffer, 0, 0, count)]


@handler("TensorListResize")
def _resize(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list = lowering.p, _list(args[0])
    size = p.dims(_node(args[1]))
    if size is None:
        raise NotLowerable("the new length of a list is not known")
    if tensor_list.buffer is None:
        return [
            replace(
                tensor_list, length=p.scalar(size[0], dtypes.int32), capacity=size[0], pushed=None
            )
        ]
    return [_resized(p, tensor_list, size[0], tensor_list.element_shape)]


def _resized(
    p: LoweringContext, tensor_list: ListValue, size: int, element_shape: Shape | None
) -> ListValue:
    """The list cut, or filled up with zeros, to a length."""
    length = p.scalar(size, dtypes.int32)
    if tensor_list.buffer is None:
        return ListValue(
            tensor_list.dtype, None, length, size, tensor_list.element_shape
        ).allocated(p, element_shape)
    used = known_length(p, tensor_list)
    if used is None:
        raise NotLowerable("a list of unknown length is resized")
    # The buffer may have room for more than the list's elements, with old values there.
    kept = p.slice_axis(tensor_list.buffer, 0, 0, dims.minimum(used, size))
    if size > kept.shape[0]:
        kept = p.concat(
            [kept, p.full((size - kept.shape[0], *kept.shape[1:]), 0, tensor_list.dtype)], 0
        )
    return ListValue(tensor_list.dtype, None, length, None).with_buffer(kept)


@handler("TensorListGather")
def _gather(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor_list, indices = lowering.p, _list(args[0]), _node(args[1])
    if tensor_list.buffer is None:
        shape = (*indices.shape, *_element_shape(p, tensor_list, args[2]))
        return [_unknown(p, shape, tensor_list)]
    return [p.gather(tensor_list.buffer, indices, 0, mode="error")]


@handler("TensorListScatterV2", "TensorListScatter")
def _scatter(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p, tensor, indices = lowering.p, _node(args[0]), _node(args[1])
    count: Any = -1
    if op.type == "TensorListScatterV2":
        known_extents = p.dims(_node(args[3]))
        if known_extents is None:
            raise NotLowerable("the number of elements of the list is not known")
        count = known_extents[0]
    if int(count) < 0:  # just enough
        known = p.dims(indices)
        if known is None:
            raise NotLowerable("the indices of the list to make are not known")
        # TensorFlow's size of -1: the largest index + 1.
        count = max([0, *[k + 1 for k in known]])
    elif not int(count) and indices.shape[0] != 0:
        raise NotLowerable("elements are put into a list of size 0")
    empty = p.full((count, *tensor.shape[1:]), 0, tensor.dtype)
    buffer = p.scatter(empty, p.expand_dims(indices, -1), tensor, op="set", mode="error")
    return [ListValue(tensor.dtype, None, p.scalar(count, dtypes.int32), None).with_buffer(buffer)]
