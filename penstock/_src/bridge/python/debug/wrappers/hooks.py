"""The debuggers of sessions in `tensorflow.python.debug.wrappers`, which can be imported and not made."""

from __future__ import annotations

from typing import Any

from penstock._src.core.errors import UnimplementedError


def _unavailable(name: str) -> type:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise UnimplementedError(
            f"{name}: sessions have no debugger. `tf.debugging.enable_check_numerics`, `tf.print` and "
            "PENSTOCK_CHECK=1 show intermediate values."
        )

    members = {"__init__": refuse, "__doc__": "Raises: sessions have no debugger."}
    return type(name, (), members)


DumpingDebugHook = _unavailable("DumpingDebugHook")
DumpingDebugWrapperSession = _unavailable("DumpingDebugWrapperSession")
GrpcDebugHook = _unavailable("GrpcDebugHook")
LocalCLIDebugHook = _unavailable("LocalCLIDebugHook")
LocalCLIDebugWrapperSession = _unavailable("LocalCLIDebugWrapperSession")
TensorBoardDebugHook = _unavailable("TensorBoardDebugHook")
