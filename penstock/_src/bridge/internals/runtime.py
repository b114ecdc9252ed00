"""The names of TensorFlow's C++ runtime (`pywrap_tfe`) that libraries refer to."""

from __future__ import annotations

from typing import Any, NoReturn

from penstock._src.core.errors import UnimplementedError


def TF_ListPluggablePhysicalDevices() -> list[bytes]:
    """Returns the devices of plugins: none."""
    return []


def TFE_Py_RegisterExceptionClass(e: Any) -> None:
    """Checks that errors could be raised as this class; those of ours are raised as they are.

    Raises:
      TypeError: it is no class of exceptions.
    """
    if not (isinstance(e, type) and issubclass(e, BaseException)):
        raise TypeError(f"expected a subclass of Exception. Received {e!r}.")


def _missing(name: str, instead: str) -> type:
    """A class that raises when it is used."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnimplementedError(f"{name}: {instead}")

    return type(name, (), {"__init__": refuse, "__doc__": f"Raises UnimplementedError: {instead}"})


_NO_DUMPS = "Penstock writes no debugger dumps; set PENSTOCK_DEBUG or use tf.debugging."
DebugDataReader = _missing("DebugDataReader", _NO_DUMPS)
InfNanMonitor = _missing("InfNanMonitor", _NO_DUMPS)
InfNanAlert = _missing("InfNanAlert", _NO_DUMPS)
