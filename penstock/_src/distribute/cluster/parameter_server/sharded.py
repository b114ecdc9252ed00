"""ShardedVariable: a variable with its rows divided among several variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import AnyTensor, Tensor
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def row_counts(rows: int, shards: int) -> list[int]:
    """Returns the number of rows of each shard: the first ones have one more."""
    least, more = divmod(rows, shards)
    return [least + (at < more) for at in range(shards)]


@export("__internal__.distribute.ShardedVariable", v1=[])
class ShardedVariable(Trackable, AnyTensor):
    """A variable with its rows divided among several, on different parameter servers.

    Rows are read and changed where they lie: `tf.gather`, `tf.nn.embedding_lookup` and the scatter methods move those rows only.

    Args:
      variables: the parts, in order, divided along the first axis.
      name: of the whole.

    Raises:
      ValueError: the parts do not fit together.
    """

    _is_tensor_like = True
    __array_priority__ = 100

    def __init__(self, variables: Sequence[Any], name: str = "ShardedVariable") -> None:
        self._name = name
        parts = list(variables)
        if not parts or any(not hasattr(part, "assign_add") for part in parts):
            raise TypeError(
                f"Argument `variables` should be a non-empty list of variables. Received {variables!r}."
            )
        first = parts[0]
        for part in parts:
            if part.dtype != first.dtype or part.shape[1:].as_list() != first.shape[1:].as_list():
                raise ValueError(
                    "All shards of a ShardedVariable must have the same dtype, and shapes that differ only in axis 0. Received "
                    f"{[(p.dtype.name, str(p.shape)) for p in parts]}."
                )
        self._parts = tuple(parts)
        self._dtype = first.dtype
        self._counts = [int(part.shape[0]) for part in parts]
        self._shape = TensorShape([sum(self._counts), *first.shape[1:]])
        starts = np.cumsum([0, *self._counts[:-1]])
        self._starts = [int(start) for start in starts]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return {}

    variables = property(lambda self: list(self._parts), doc="The parts, in order.")
    dtype = read_only("_dtype", "The type of the elements.")
    shape = read_only("_shape", "The static shape.")
    name = read_only("_name", "The name of the whole.")

    @property
    def trainable(self) -> bool:
        """True if tapes watch the shards automatically."""
        return bool(self._parts[0].trainable)

    def _get_variable_list(self) -> list[Any]:
        return self.variables

    def __iter__(self) -> Iterator[Any]:
        return iter(self.variables)

    # -- reading

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Tensor:
        values = [part.read_value() for part in self._parts]
        return values[0] if len(values) == 1 else raw.ConcatV2(values=values, axis=0, name=name)

    def value(self) -> Tensor:
        """Returns the present value.

        Returns:
          A tensor of all rows.
        """
        return self.__tf_tensor__()

    read_value = value

    def numpy(self) -> np.ndarray:
        """Returns the present value as an array.

        Returns:
          An array of all rows.
        """
        return np.concatenate([part.numpy() for part in self._parts])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __getitem__(self, spec: Any) -> Tensor:
        return self.value()[spec]

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """Returns rows by their indices.

        Args:
          indices: integers of any shape.
          name: a name for the operation.

        Returns:
          A tensor of shape `indices.shape + shape[1:]`.
        """
        indices = convert_to_tensor(indices)
        flat = raw.Reshape(tensor=indices, shape=[-1])
        places, rows = self._routed(flat)
        parts = [part.sparse_read(own) for part, own in zip(self._parts, rows, strict=True)]
        together = raw.DynamicStitch(indices=places, data=parts)
        tail = np.array(self._shape[1:].as_list(), np.int32)
        shape = raw.ConcatV2(values=[raw.Shape(input=indices), tail], axis=0)
        return raw.Reshape(tensor=together, shape=shape, name=name)

    def _routed(self, flat: Any) -> tuple[list[Any], list[Any]]:
        """Return for each shard the positions of the indices of its rows, and the rows. Indices out of range go to the last shard."""
        kind = flat.dtype.as_numpy_dtype
        ends = np.cumsum(self._counts)[:-1].astype(kind)
        starts = np.array(self._starts, kind)
        passed = raw.GreaterEqual(x=raw.ExpandDims(input=flat, axis=1), y=ends[None])
        shard = raw.Sum(input=raw.Cast(x=passed, DstT=dtypes.int32), axis=[1])
        row = flat - raw.GatherV2(params=starts, indices=shard, axis=0)
        count = len(self._parts)
        numbers = raw.Range(start=0, limit=raw.Size(input=flat), delta=1)
        places = raw.DynamicPartition(data=numbers, partitions=shard, num_partitions=count)
        rows = raw.DynamicPartition(data=row, partitions=shard, num_partitions=count)
        return list(places), list(rows)

    # -- changing

    def _assigned(self, method: str, value: Any) -> ShardedVariable:
        tensor = convert_to_tensor(value, dtype=self._dtype)
        if not self._shape.is_compatible_with(tensor.shape):
            raise ValueError(
                f"Cannot assign value to variable '{self._name}': the variable's shape is {self._shape}, and the assigned "
                f"value's is {tensor.shape}."
            )
        for part, start, count in zip(self._parts, self._starts, self._counts, strict=True):
            getattr(part, method)(tensor[start : start + count])
        return self

    def assign(
        self, value: Any, use_locking: Any = None, name: Any = None, read_value: bool = True
    ) -> Any:
        """Sets the value.

        Args:
          value: a tensor of the variable's shape.
          use_locking, name, read_value: accepted.

        Returns:
          The variable.
        """
        return self._assigned("assign", value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: Any = None, read_value: bool = True
    ) -> Any:
        """Adds to the value.

        Args:
          delta: a tensor of the variable's shape.
          use_locking, name, read_value: accepted.

        Returns:
          The variable.
        """
        return self._assigned("assign_add", delta)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: Any = None, read_value: bool = True
    ) -> Any:
        """Subtracts from the value.

        Args:
          delta: a tensor of the variable's shape.
          use_locking, name, read_value: accepted.

        Returns:
          The variable.
        """
        return self._assigned("assign_sub", delta)

    def _scattered(self, method: str, slices: Any) -> ShardedVariable:
        if not isinstance(slices, IndexedSlices):
            raise TypeError(
                f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {slices}"
            )
        values = convert_to_tensor(slices.values, dtype=self._dtype)
        places, rows = self._routed(convert_to_tensor(slices.indices))
        for part, own, place in zip(self._parts, rows, places, strict=True):
            taken = raw.GatherV2(params=values, indices=place, axis=0)
            getattr(part, method)(IndexedSlices(taken, own))
        return self

    # -- in checkpoints

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"VARIABLE_VALUE": self.value()}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return self.assign(restored_tensors["VARIABLE_VALUE"])

    def __repr__(self) -> str:
        shown = ", ".join(f"{part.device}: {part.shape[0]}" for part in self._parts)
        return f"<ShardedVariable '{self._name}' shape={self._shape} dtype={self._dtype.name}, rows on {shown}>"


def _scatter_method(name: str, what: str) -> Callable[..., Any]:
    def method(
        self: ShardedVariable, sparse_delta: Any, use_locking: bool = False, name: Any = None
    ) -> ShardedVariable:
        return self._scattered(method.__name__, sparse_delta)

    method.__name__, method.__qualname__ = name, f"ShardedVariable.{name}"
    method.__doc__ = f"""{what}

        Args:
          sparse_delta: a `tf.IndexedSlices`: the slices, and the rows that they are for.
          use_locking, name: accepted.

        Returns:
          The variable.
        """
    return method


_SCATTERS = {
    "scatter_add": "Adds slices to rows.",
    "scatter_sub": "Subtracts slices from rows.",
    "scatter_mul": "Multiplies rows by slices.",
    "scatter_div": "Divides rows by slices.",
    "scatter_max": "Sets rows to their elementwise maximum with slices.",
    "scatter_min": "Sets rows to their elementwise minimum with slices.",
    "scatter_update": "Replaces rows by slices.",
}
for _name, _what in _SCATTERS.items():
    setattr(ShardedVariable, _name, _scatter_method(_name, _what))


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: ShardedVariable, *others: Any) -> Any:
        return getattr(Tensor, name)(self.value(), *others)

    return apply


for _name in Tensor.OVERLOADABLE_OPERATORS:
    if _name not in vars(ShardedVariable) and hasattr(Tensor, _name):
        setattr(ShardedVariable, _name, _operator(_name))
