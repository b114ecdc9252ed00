"""The names of TensorFlow's C++ runtime (`pywrap_tfe`) that libraries refer to."""

from __future__ import annotations

from typing import Any, NoReturn

from penstock._src.core.errors import UnimplementedError


def TF_ListPluggablePhysicalDevices() -> list[bytes]:
    """Returns the devices of plugins: none."""
    return []


def _missing(name: str, instead: str) -> type:
    """A class that raises when it is used."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnimplementedError(f"{name}: {instead}")

    return type(name, (), {"__init__": refuse, "__doc__": f"Raises UnimplementedError: {instead}"})


_NO_DUMPS = "Penstock writes no debugger dumps; set PENSTOCK_DEBUG or use tf.debugging."
DebugDataReader = _missing("DebugDataReader", _NO_DUMPS)
InfNanMonitor = _missing("InfNanMonitor", _NO_DUMPS)
InfNanAlert = _missing("InfNanAlert", _NO_DUMPS)
