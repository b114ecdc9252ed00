"""Variables that are sharded over processes, and whole variables with sharded updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.values.resources import DividedHandle
from penstock._src.distribute.context import CONTEXTS
from penstock._src.distribute.mirrored.variables import MirroredVariable, give_updates
from penstock._src.eager.context import init_scope
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_handle import wrong_shape
from penstock._src.ops.collective.parts import gather_parts, own_part

_SCATTERS = {
    "scatter_add": "TensorScatterAdd",
    "scatter_sub": "TensorScatterSub",
    "scatter_update": "TensorScatterUpdate",
    "scatter_max": "TensorScatterMax",
    "scatter_min": "TensorScatterMin",
}


class Division:
    """The number of shards of tensors, and the index of this process's shard."""

    def __init__(self, size: int, index: int) -> None:
        self.size, self.index = size, index

    def part(self, tensor: Any, scatters: bool = False) -> Any:
        """Returns this process's part of a tensor that all have; see `ops/collective/parts.py`."""
        return own_part(
            input=tensor, size=self.size, index=self.index, scatters=scatters, name="part"
        )

    def whole(self, parts: list[Any], shapes: list[Any], pack_bytes: int = 0) -> list[Any]:
        """Return the whole tensors. Each process gives its shards of them."""
        gathered: list[Any] = gather_parts(
            inputs=parts,
            Tout=[part.dtype for part in parts],
            shapes=shapes,
            size=self.size,
            pack_bytes=pack_bytes,
            name="gathered",
        )
        return gathered

    def change(self, variable: Any, method: str, value: Any, **kwargs: Any) -> Any:
        """Changes the own part of a divided variable as a method changes the whole one.

        Args:
          variable: of which `values[0]` is the part.
          method: one that assigns, or scatters slices.
          value: its argument.
          **kwargs: its further arguments.

        Returns:
          The operation that does so; None eagerly.

        Raises:
          UnimplementedError: there is no such operation of parts.
        """
        if method.startswith("assign"):
            whole = convert_to_tensor(value, dtype=variable.dtype)
            if not variable.shape.is_compatible_with(whole.shape):
                raise wrong_shape(variable, whole)
        elif method in _SCATTERS and isinstance(value, IndexedSlices):
            places = raw.ExpandDims(input=value.indices, axis=-1)
            updates = convert_to_tensor(value.values, dtype=variable.dtype)
            scatter = getattr(raw, _SCATTERS[method])
            whole, method = scatter(variable._read(), places, updates), "assign"
        else:
            raise UnimplementedError(
                None,
                None,
                f"{method} on variable {variable.name}, which is sharded over processes.",
            )
        return getattr(variable.values[0], method)(self.part(whole), read_value=False, **kwargs)


class HandleOfParts(DividedHandle):
    """Placeholder of a sharded variable in gradients and files. Ops that take a variable's handle refuse it: no process holds the whole.

    Args:
      kind: "weight", or "slot" of an optimizer.
      part: the variable of this process's part.
      shape: of the whole.
      division: how it is divided.
    """

    def __init__(self, kind: str, part: Variable, shape: Any, division: Division) -> None:
        super().__init__(part._name)
        self.kind, self.shape, self.dtype = kind, shape, part._dtype
        self._part, self._division = part._handle._value, division
        self.parts = (self._part,)

    def read(self) -> Any:
        """Returns the whole array, which all processes gather."""
        return self._division.whole([self._part.read()], [self.shape])[0].numpy()

    def __repr__(self) -> str:
        return f"<the handle of the {self.kind} {self.name!r}, which ShardingOptions divides: it can be read and assigned only>"


def divided_handle(kind: str, part: Variable, shape: Any, division: Division) -> EagerTensor:
    """Returns a tensor of a `HandleOfParts`."""
    handle = EagerTensor(HandleOfParts(kind, part, shape, division), dtypes.resource)
    handle._handle_data = [(shape, part._dtype)]
    return handle


class UpdatedVariable(MirroredVariable):
    """A variable that all processes hold, with sharded updates: the shards are gathered before a read.

    Args:
      strategy: the strategy.
      copies: the variable of this process.
      gather: gathers the parts of a variable, if they were updated.
    """

    def __init__(self, strategy: Any, copies: Any, gather: Callable[[Any], None]) -> None:
        super().__init__(strategy, copies)
        self._gather = gather

    @property
    def _copy(self) -> Variable:
        self._gather(self)
        return super()._copy

    def _get_cross_replica(self) -> Any:
        self._gather(self)
        return super()._get_cross_replica()


class PartOfVariable(Variable):
    """This process's part of a variable during an update; it has the shape of the whole, and the value of the part.

    Args:
      variable: this process's copy.
      part: the value of the part.
      shape: of the whole.
    """

    _copied = "_name _dtype _unique _trainable _constraint _synchronization _aggregation _in_graph_mode _distributed_container _distribute_strategy".split()

    def __init__(self, variable: Variable, part: Any, shape: Any) -> None:
        for name in self._copied:
            object.__setattr__(self, name, getattr(variable, name))
        self._shape = shape
        self._part, self._graph_element, self._initial_value = part, None, None

    @property
    def _handle(self) -> Any:  # type: ignore[override]
        raise UnimplementedError(
            None,
            None,
            f"An update of a part of {self._name} uses the variable's handle: only reads and assignments can be sharded.",
        )

    def _read(self) -> Any:
        return self._part

    def _set(self, value: Any) -> PartOfVariable:
        tensor = convert_to_tensor(value, dtype=self._dtype)
        if tensor.shape != self._part.shape:
            raise ValueError(
                f"Cannot assign a value of shape {tensor.shape} to this process's part of variable '{self._name}', which has shape {self._part.shape}."
            )
        self._part = tensor
        return self

    def assign(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Sets the part.

        Args:
          value: the new value.
          *args, **kwargs: as of `tf.Variable`.

        Returns:
          The variable.
        """
        return self._set(value)

    def assign_add(self, delta: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds to the part.

        Args:
          delta: what is added.
          *args, **kwargs: as of `tf.Variable`.

        Returns:
          The variable.
        """
        return self._set(self._part + convert_to_tensor(delta, dtype=self._dtype))

    def assign_sub(self, delta: Any, *args: Any, **kwargs: Any) -> Any:
        """Subtracts from the part.

        Args:
          delta: what is subtracted.
          *args, **kwargs: as of `tf.Variable`.

        Returns:
          The variable.
        """
        return self._set(self._part - convert_to_tensor(delta, dtype=self._dtype))


class DividedVariable(MirroredVariable):
    """A variable that is sharded over processes, such as an optimizer's slot.

    Sharded updates (`updates.py`) act on the part. Otherwise it acts as the whole: reads gather it, assignments keep the own part. If a replica
    first uses it as a whole, as gradients that are accumulated or averages of weights, it is whole from then on.

    Args:
      strategy: the strategy.
      part: the variable of this process's part.
      shape: of the whole.
      division: how it is divided.
      make: makes a variable like it with another initial value.
      stays_divided: whether it stays divided if an update uses it as a whole.
    """

    def __init__(
        self,
        strategy: Any,
        part: Variable,
        shape: Any,
        division: Division,
        make: Callable[[Any], Variable],
        stays_divided: bool = False,
    ) -> None:
        super().__init__(strategy, [part])
        self._shape, self._stays_divided = shape, stays_divided
        self._division, self._make = division, make
        self.is_divided, self._was_updated = True, False
        self._source = divided_handle("slot", part, shape, division)

    @property
    def _handle(self) -> Any:  # type: ignore[override]
        # That of files: by none other can the whole be had.
        if self.is_divided and self._replica is None and not CONTEXTS.in_parts:
            return self._source
        return self._copy._handle

    def _own_part(self) -> Variable | None:
        """The variable of the part, if it acts as that now."""
        if not self.is_divided or not CONTEXTS.in_parts:
            return None
        self._was_updated = True
        return self.values[0]

    def make_whole(self) -> None:
        """Holds all of the value from here on.

        Raises:
          UnimplementedError: it was updated in shards.
        """
        if not self.is_divided:
            return
        if self._was_updated:
            raise UnimplementedError(
                None,
                None,
                f"Variable {self._name} is updated in shards by one update of its optimizer and as a whole by another.",
            )
        with init_scope():
            (value,) = self._division.whole([self.values[0]._read()], [self._shape])
            whole = self._make(value)
        for name in ("_distributed_container", "_distribute_strategy"):
            object.__setattr__(whole, name, getattr(self.values[0], name))
        self._values, self.is_divided = (whole,), False

    def _used_as_whole(self) -> bool:
        """True if the variable is sharded. Called when the whole variable is needed."""
        if CONTEXTS.updated is not None and self._stays_divided:
            self._was_updated = True
        elif self.is_divided and self._replica is not None and not self._was_updated:
            self.make_whole()
        return self.is_divided

    def _read(self) -> Any:
        part = self._own_part()
        if part is not None:
            return part._read()
        if not self._used_as_whole():
            return self.values[0]._read()
        return self._division.whole([self.values[0]._read()], [self._shape])[0]

    @property
    def _copy(self) -> Variable:
        part = self._own_part()
        if part is None and self._used_as_whole():
            raise UnimplementedError(
                None,
                None,
                f"Variable {self._name} is sharded over processes: it is read and assigned as a whole and has no handle.",
            )
        return self.values[0]

    def _get(self) -> Any:
        return self

    @property
    def _graph_element(self) -> Any:  # type: ignore[override]
        return self._read()

    def _changed(self, method: str, value: Any, **kwargs: Any) -> Any:
        """Implements the methods of UPDATES."""
        part = self._own_part()
        if part is not None:
            return getattr(part, method)(value, **kwargs)
        if not self._used_as_whole():
            return getattr(self.values[0], method)(value, **kwargs)
        read_value = kwargs.pop("read_value", True)
        done = self._division.change(self, method, value, **kwargs)
        return self if read_value else done


give_updates(DividedVariable, DividedVariable._changed)
