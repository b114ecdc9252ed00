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
        self._start()
        self.was_reset = True

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
        # tensors are numbered as they are made, so this says later whether any was
        self._first_tensor = NEXT_ID()

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
        """True if ops have run, or devices have been listed."""
        if not self.initialized and not in_v1_graph() and NEXT_ID() != self._first_tensor + 1:
            self.initialized = True
        self._first_tensor = NEXT_ID()
        return self.initialized

    def refuse_if_started(self, message: str) -> None:
        """Raises RuntimeError if the program has started."""
        if self.started():
            raise RuntimeError(message)


SETTINGS = Settings()
