"""The program's settings, and whether it has started: some can only be changed before the first op."""

from __future__ import annotations

from typing import Any

from penstock._src.core.calls.placement import POLICY
from penstock._src.core.dispatch import in_v1_graph
from penstock._src.core.tensor import NEXT_ID


class Settings:
    """The program's settings of devices and threads."""

    def __init__(self) -> None:
        # whether tests have reset the program, which keeps its pool of threads
        self.was_reset = False
        self._start()

    def clear(self) -> None:
        """Resets all settings; the program counts as not started."""
        self.was_reset, POLICY.traced = True, False
        self._start()

    def _start(self) -> None:
        self.visible: Any = None
        self.logical: dict[Any, list[Any]] = {}
        self.memory_growth: dict[Any, bool] = {}
        POLICY.soft, POLICY.logs, POLICY.cpus = None, False, 1
        self.policy = "silent"
        self.initialized = False
        # None: never set
        self.threads: dict[str, int | None] = {"inter": None, "intra": None}
        self.synchronous = True
        self.jit: bool | None = None
        self.optimizer: dict[str, Any] = {}
        self.mlir_bridge: bool | None = None
        # Eager tensors are numbered, so the next number says whether any was made; 1, the first, until this is asked or reset.
        self._next_tensor = NEXT_ID() + 1 if self.was_reset else 1

    @property
    def soft_placement(self) -> bool | None:
        """True if an op may run on another device than it names. None is TensorFlow's default: on for eager code."""
        return POLICY.soft

    @soft_placement.setter
    def soft_placement(self, enabled: bool | None) -> None:
        POLICY.soft = enabled

    @property
    def log_placement(self) -> bool:
        """True if the device of each op is logged."""
        return POLICY.logs

    @log_placement.setter
    def log_placement(self, enabled: bool) -> None:
        POLICY.logs = enabled
        if enabled:
            # Programs without GPUs go without, unless they ask for this.
            from penstock._src.eager.placed.hooks import install

            install()

    def started(self) -> bool:
        """True if eager tensors were made, functions traced or devices listed."""
        number = NEXT_ID()
        if not in_v1_graph() and (POLICY.traced or number != self._next_tensor):
            self.initialized = True
        self._next_tensor = number + 1
        return self.initialized

    def refuse_if_started(self, message: str) -> None:
        """Raises RuntimeError if the program has started."""
        if self.started():
            raise RuntimeError(message)


SETTINGS = Settings()
