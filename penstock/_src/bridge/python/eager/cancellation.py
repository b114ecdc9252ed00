"""`tensorflow.python.eager.cancellation`: a flag for calls of functions; running ones are not interrupted."""

from collections.abc import Callable
from typing import Any


class CancellationManager:
    """Says whether the calls made through it were cancelled."""

    def __init__(self) -> None:
        self._cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """True if `start_cancel` has been called."""
        return self._cancelled

    def start_cancel(self) -> None:
        """Cancels."""
        self._cancelled = True

    def get_cancelable_function(self, concrete_function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function that calls `concrete_function` in the context of this manager."""

        def cancellable(*args: Any, **kwargs: Any) -> Any:
            with CancellationManagerContext(self):
                return concrete_function(*args, **kwargs)

        return cancellable


_ACTIVE: list[CancellationManager] = []


def context() -> CancellationManager | None:
    """Returns the manager of the innermost context, or None."""
    return _ACTIVE[-1] if _ACTIVE else None


class CancellationManagerContext:
    """A context in which functions belong to a manager."""

    def __init__(self, cancellation_manager: CancellationManager) -> None:
        self._manager = cancellation_manager

    def __enter__(self) -> None:
        _ACTIVE.append(self._manager)

    def __exit__(self, *exc_info: Any) -> None:
        _ACTIVE.pop()
