"""The iterables of for loops in graphs: ranges, tensors (by rows) and datasets."""

from typing import Any

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value


class Items:
    """An iterable of a for loop: a counter carried by the loop, a test, and the item at the counter."""

    maximum: Any = None
    start: Any
    # True if a variable's shape may change between steps without shape invariants.
    loosens = False
    is_range = False

    def more(self, position: Any) -> Any:
        raise NotImplementedError

    def item(self, position: Any) -> Any:
        raise NotImplementedError

    def advance(self, position: Any) -> Any:
        return position + 1


class RangeItems(Items):
    """tf.range(start, limit, delta), without creating the tensor."""

    is_range = True

    def __init__(self, start: Any, limit: Any, delta: Any):
        self.start, self.limit, self.delta = start, limit, delta
        bounds = [constant_value(t) for t in (start, limit, delta)]
        if start.dtype not in (dtypes.int32, dtypes.int64):
            return
        if all(bound is not None for bound in bounds):
            first, last, step = (int(bound) for bound in bounds)  # type: ignore[arg-type]
            count = max(-((first - last) // step), 0) if step else 0
            self.maximum = count if count <= dtypes.int32.max else None
        elif bounds[2] is None or start.dtype is not dtypes.int32:
            return
        elif bounds[2] == 1 and bounds[0] is not None and bounds[0] >= 0:
            # The difference fits int32; other readers of graphs may lack a quotient of int64.
            last = raw.Maximum(x=limit, y=start)
            self.maximum = last - start if bounds[0] else last
        else:
            # max(ceil((limit - start) / delta), 0); the difference may exceed int32
            start, limit, delta = (raw.Cast(x=t, DstT=dtypes.int64) for t in (start, limit, delta))
            span = limit - start + (delta - 1 if int(bounds[2]) > 0 else delta + 1)
            count = raw.Maximum(x=raw.FloorDiv(x=span, y=delta), y=0)
            most = raw.Minimum(x=count, y=dtypes.int32.max)
            self.maximum = raw.Cast(x=most, DstT=dtypes.int32)

    def more(self, position: Any) -> Any:
        rising = (self.delta > 0) & (position < self.limit)
        return rising | ((self.delta < 0) & (position > self.limit))

    def item(self, position: Any) -> Any:
        return position

    def advance(self, position: Any) -> Any:
        return position + self.delta


class RisingRangeItems(RangeItems):
    def more(self, position: Any) -> Any:
        return position < self.limit


def range_items(iterated: Any) -> Items | None:
    op = getattr(iterated, "op", None)
    if op is None or op.type != "Range" or iterated.graph is not dispatch.current_graph():
        return None
    start, limit, delta = op.inputs
    step = delta.op.raw_op.attrs["value"] if delta.op.type == "Const" else None
    rises = isinstance(step, np.ndarray) and step.size == 1 and bool(step > 0)
    kind = RisingRangeItems if rises else RangeItems
    return kind(start, limit, delta)


class TensorItems(Items):
    """The rows of a tensor."""

    def __init__(self, tensor: Tensor):
        self.shape = tensor.shape[1:]
        self.dtype = tensor.dtype
        static = tensor.shape[0]
        self.length = (
            static if static is not None else raw.Shape(input=tensor, out_type=dtypes.int32)[0]
        )
        self.maximum = self.length
        known = self.shape.is_fully_defined()
        shape = (
            self.shape.as_list() if known else raw.Shape(input=tensor, out_type=dtypes.int32)[1:]
        )
        self.element_shape = convert_to_tensor(shape, dtypes.int32)
        self.rows = raw.TensorListFromTensor(tensor=tensor, element_shape=self.element_shape)
        self.start = convert_to_tensor(0, dtypes.int32)

    def more(self, position: Any) -> Any:
        return position < self.length

    def item(self, position: Any) -> Any:
        row = raw.TensorListGetItem(
            input_handle=self.rows,
            index=position,
            element_shape=self.element_shape,
            element_dtype=self.dtype,
        )
        row.set_shape(self.shape)
        return row


def tensor_items(tensor: Tensor) -> Items:
    if tensor.shape.rank == 0:
        raise ValueError(f"for loop: cannot iterate over a scalar tensor. Received {tensor}.")
    return TensorItems(tensor)


class RaggedItems(Items):
    def __init__(self, ragged: Any):
        self.ragged = ragged
        self.length = ragged.nrows()
        self.start = raw.ZerosLike(x=self.length)

    def more(self, position: Any) -> Any:
        return position < self.length

    def item(self, position: Any) -> Any:
        return self.ragged[position]


class IteratorItems(Items):
    """Elements of a tf.data iterator; the loop carries whether the last read returned one."""

    def __init__(self, iterator: Any, loosens: bool = False):
        self.iterator, self.loosens = iterator, loosens
        self.start = convert_to_tensor(True)

    def more(self, position: Any) -> Any:
        return position
