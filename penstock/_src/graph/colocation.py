"""Operations that are placed with others: TensorFlow 1's `colocate_with`."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.core import dispatch
from penstock._src.graph.operation import Operation


class Colocation:
    """The methods of graphs for colocation."""

    # Operations beside which those that are added now run, outermost first.
    _colocation: Sequence[Operation] = ()
    # Groups of operations that do not exist yet.
    _groups: Sequence[bytes] = ()
    # True if operations of gradients are placed with the operations that they differentiate.
    colocates_gradients = False

    if TYPE_CHECKING:
        _device_functions: list[Any]

        def device(self, device_name_or_function: Any) -> Any: ...

        def _control(self, element: Any) -> Operation: ...

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Makes the operations within run beside `op`, on its device.

        Args:
          op: an operation, tensor or variable; None for none, with `ignore_existing`.
          ignore_existing: whether enclosing scopes of this kind have no effect.

        Returns:
          A context manager.

        Raises:
          ValueError: `op` is None, and enclosing scopes have effect.
        """
        if op is None and not ignore_existing:
            raise ValueError(
                "colocate_with: `op` may be None only with ignore_existing=True, to leave enclosing scopes."
            )
        before, functions = self._colocation, self._device_functions
        operations = [] if op is None else [op if isinstance(op, Operation) else self._control(op)]
        self._colocation = operations if ignore_existing else [*before, *operations]
        self._device_functions = []
        try:
            with dispatch.device(None):
                yield
        finally:
            self._colocation, self._device_functions = before, functions

    @contextlib.contextmanager
    def initial_value_of(self, name: str, is_called: bool) -> Iterator[None]:
        """Marks the operations within as computing the initial value of a variable: they run on the variable's device.

        Args:
          name: the variable's, whose handle does not exist yet.
          is_called: whether a function makes the value; enclosing scopes of devices have no effect then.
        """
        before, self._groups = self._groups, (b"loc:@" + name.encode(),)
        try:
            with self.device(None) if is_called else contextlib.nullcontext():
                yield
        finally:
            self._groups = before

    @contextlib.contextmanager
    def colocated_gradients(self) -> Iterator[None]:
        """Within this scope, place gradient operations beside the operations that they differentiate."""
        before, self.colocates_gradients = self.colocates_gradients, True
        try:
            yield
        finally:
            self.colocates_gradients = before

    def _colocate(self, node: Operation) -> None:
        """Records the operations with which another one is placed; it gets the device of the innermost that has one."""
        others = self._colocation
        groups = {group for other in others for group in other.colocation_groups()}
        node.colocation = tuple(sorted(groups.union(self._groups)))
        devices = [other.device for other in reversed(others) if other.device]
        node._device = devices[0] if devices else node._device
