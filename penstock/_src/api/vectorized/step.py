"""Step: the current operation of the row's graph, with the values of its inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.vectorized.rules import NotVectorizable, Value
from penstock._src.core import dispatch, dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.op import Op, group_arguments
from penstock._src.core.registry import find, raw
from penstock._src.core.values import kernel_state
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import get_static_value
from penstock._src.util import nest, slots


class Step:
    """The argument of a rule.

    `count` is the number of rows: an int, or a scalar int32 tensor. `nested(function, values, count)` computes a function
    that the operation holds for all rows.
    """

    def __init__(
        self, node: Operation, values: list[Value], count: Any, nested: Callable[..., list[Value]]
    ) -> None:
        self.node, self.values, self.count, self.nested = node, values, count, nested
        self.op: Op = node.raw_op
        self._states: dict[Any, Any] = {}  # of its kernel, which all rows share

    # -- inputs

    def is_stacked(self, index: int) -> bool:
        """True if an input has a row for each iteration."""
        return self.values[index].stacked

    def common(self, index: int) -> Any:
        """Returns an input that is the same for all rows.

        Raises:
          NotVectorizable: it is not.
        """
        value = self.values[index]
        if value.stacked:
            raise NotVectorizable(f"input {index} differs between rows")
        return value.tensor

    def static(self, index: int) -> np.ndarray:
        """Returns the static value of an input that is the same for all rows.

        Raises:
          NotVectorizable: it is not.
        """
        value = get_static_value(self.common(index))
        if value is None:
            raise NotVectorizable(f"input {index} is not known")
        return np.asarray(value)

    def rank(self, index: int) -> int:
        """Returns the rank that an input has in a row.

        Raises:
          NotVectorizable: it is unknown.
        """
        rank = self.node._inputs[index].shape.rank
        if rank is None:
            raise NotVectorizable(f"the rank of input {index} is unknown")
        return rank

    def whole(self, index: int, rank: int | None = None) -> Any:
        """Returns an input with a row for each iteration, with rows expanded to `rank` by leading axes."""
        tensor = whole(self.values[index], self.count)
        return self.deepened(tensor, 0 if rank is None else rank - self.rank(index))

    def highest_rank(self) -> Any:
        """Returns the highest rank of the inputs in a row: an int, or a scalar int32 tensor if one is unknown."""
        ranks = [t.shape.rank for t in self.node._inputs]
        known = [rank for rank in ranks if rank is not None]
        if len(known) == len(ranks):
            return max(known)
        dynamic = [
            raw.Sub(x=raw.Rank(input=value.tensor), y=int(value.stacked)) for value in self.values
        ]
        return raw.Max(input=raw.Pack(values=dynamic), axis=0)

    def aligned(self, index: int, rank: Any) -> Any:
        """Returns an input reshaped to broadcast with rows of rank `rank`: an int, or a scalar int32 tensor."""
        value = self.values[index]
        if not value.stacked:
            return value.tensor
        if isinstance(rank, int):
            return self.deepened(value.tensor, rank - self.rank(index))
        more = raw.Sub(x=rank, y=raw.Sub(x=raw.Rank(input=value.tensor), y=1))
        ones = raw.Fill(dims=raw.ExpandDims(input=more, axis=0), value=np.int32(1))
        sizes = raw.Shape(input=value.tensor)
        shape = raw.ConcatV2(values=[sizes[:1], ones, sizes[1:]], axis=0)
        return raw.Reshape(tensor=value.tensor, shape=shape)

    def deepened(self, tensor: Any, more: int) -> Any:
        """Returns stacked rows with `more` axes of size 1 inserted in front of a row's axes."""
        for _ in range(more):
            tensor = raw.ExpandDims(input=tensor, axis=1)
        return tensor

    def prefixed(self, vector: Any, first: Any = None) -> Any:
        """Returns a vector with an entry for the axis of rows in front: by default their number."""
        return prefixed(vector, self.count if first is None else first)

    def axis(self, value: Any) -> Any:
        """Returns axes of rows as axes of the stack; negative axes are unchanged."""
        value = np.asarray(value)
        return np.where(value < 0, value, value + 1).astype(value.dtype)

    # -- running

    def run(self, *inputs: Any, **attrs: Any) -> list[Any]:
        """Runs this op on other inputs, with some attributes changed; returns the outputs, flat."""
        attrs = {**attributes_of(self.op), **attrs}
        return run(type(self.op), inputs, attrs, self.node, self._states)

    def run_flat(self, tensors: list[Any], **attrs: Any) -> list[Any]:
        """Runs this op on other inputs, given flat; returns the outputs, flat."""
        return self.run(*group_arguments(self.op.inputs, self.op, tensors), **attrs)

    def other(self, kind: str, *inputs: Any, **attrs: Any) -> list[Any]:
        """Runs an op of another kind; returns the outputs, flat."""
        return run(find(kind), inputs, attrs, self.node, {})

    # -- merging and splitting the axis of rows

    def merged(self, tensor: Any) -> Any:
        """Merges the axis of rows with the first axis of each row."""
        shape = tensor.shape
        if shape.is_fully_defined():
            return raw.Reshape(tensor=tensor, shape=[shape[0] * shape[1], *shape.as_list()[2:]])
        sizes = raw.Shape(input=tensor)  # all of them: -1 says nothing of an empty array
        first = raw.Mul(x=sizes[:1], y=sizes[1:2])
        return raw.Reshape(tensor=tensor, shape=raw.ConcatV2(values=[first, sizes[2:]], axis=0))

    def parted(self, tensor: Any, position: int = 0) -> Any:
        """Undoes `merged` for the result at a position."""
        shape = tensor.shape
        if shape.is_fully_defined() and isinstance(self.count, int) and self.count:
            shape = [self.count, shape[0] // self.count, *shape.as_list()[1:]]
            return raw.Reshape(tensor=tensor, shape=shape)
        sizes = raw.Shape(input=tensor)
        row = self.node._outputs[position].shape
        if row.rank and row[0] is not None:  # no rows at all do not tell it
            first = convert_to_tensor([row[0]], dtypes.int32)
        else:
            first = raw.FloorDiv(x=sizes[:1], y=raw.Maximum(x=self.count, y=1))
        return raw.Reshape(
            tensor=tensor,
            shape=self.prefixed(raw.ConcatV2(values=[first, sizes[1:]], axis=0)),
        )


def whole(value: Value, count: Any) -> Any:
    """Returns a value with a row for each of `count` iterations."""
    tensor = value.tensor
    if value.stacked:
        return tensor
    known = tensor.shape.is_fully_defined()
    inner = np.array(tensor.shape.as_list(), np.int32) if known else raw.Shape(input=tensor)
    one = raw.ExpandDims(input=tensor, axis=0)
    return raw.BroadcastTo(input=one, shape=prefixed(inner, count))


def prefixed(vector: Any, first: Any) -> Any:
    """Returns an integer vector, or array, with `first` in front."""
    if not isinstance(vector, np.ndarray):
        known = get_static_value(vector)
        vector = vector if known is None else np.asarray(known)
    if isinstance(vector, np.ndarray) and isinstance(first, int):
        return np.concatenate([np.array([first], vector.dtype), vector])
    kind = dtypes.as_dtype(vector.dtype)
    head = raw.Reshape(tensor=convert_to_tensor(first), shape=[1])
    head = head if head.dtype == kind else raw.Cast(x=head, DstT=kind)
    return raw.ConcatV2(values=[head, vector], axis=0)


def attributes_of(op: Op) -> dict[str, Any]:
    """Returns the attributes that are not inferred from the inputs."""
    return {name: op.attrs[name] for name in type(op).attributes}


def run(
    cls: type[Op],
    inputs: tuple[Any, ...],
    attrs: dict[str, Any],
    node: Operation,
    states: dict[Any, Any],
) -> list:
    """Runs or records an op; returns its flat outputs.

    In eager execution its kernel's state, such as a position in random numbers, is in `states`: new for each conversion,
    like that of the function that TensorFlow traces for each call, and kept from row to row.
    """
    graph = dispatch.STATE.graph
    if graph is not None:
        result = graph.execute(cls, inputs, attrs, None)
    elif cls.stateful:
        with kernel_state.of_node(states, node):
            result = slots.RUN_EAGERLY(cls, inputs, attrs)
    else:
        result = slots.RUN_EAGERLY(cls, inputs, attrs)
    return [] if isinstance(result, Operation) or result is None else nest.flatten(result)
