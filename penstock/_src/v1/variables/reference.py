"""Variables of imported graphs that TensorFlow 1 made as references instead of resources."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.v1.variables.collections import VariableV1


class ReferenceVariable(VariableV1):
    """A variable with a reference as its handle: the output of a VariableV2."""

    def _read(self) -> Any:
        return raw.Identity(input=self._handle)

    def is_initialized(self, name: str | None = None) -> Any:
        """Return a bool tensor: True if the variable has a value."""
        return raw.IsVariableInitialized(ref=self._handle, name=name)

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Sets the value; returns the reference, or the operation without `read_value`."""
        value = convert_to_tensor(value, dtype=self._dtype)
        assigned = raw.Assign(ref=self._handle, value=value, use_locking=use_locking, name=name)
        return assigned if read_value else assigned.op

    def assign_add(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Adds to the value; returns as `assign` does."""
        delta = convert_to_tensor(delta, dtype=self._dtype)
        assigned = raw.AssignAdd(ref=self._handle, value=delta, use_locking=use_locking, name=name)
        return assigned if read_value else assigned.op

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtracts from the value; returns as `assign` does."""
        delta = convert_to_tensor(delta, dtype=self._dtype)
        assigned = raw.AssignSub(ref=self._handle, value=delta, use_locking=use_locking, name=name)
        return assigned if read_value else assigned.op
