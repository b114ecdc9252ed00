"""The program's settings, and whether it has started: some can only be changed before the first op."""

from __future__ import annotations

from typing import Any

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
        # None: as TensorFlow has it, on for eager code
        self.soft_placement: bool | None = None
        self.log_placement = False
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

    def started(self) -> bool:
        """Whether ops have run, or devices have been listed."""
        if not self.initialized and not in_v1_graph() and NEXT_ID() != self._first_tensor + 1:
            self.initialized = True
        self._first_tensor = NEXT_ID()
        return self.initialized

    def refuse_if_started(self, message: str) -> None:
        """Raises RuntimeError if the program has started."""
        if self.started():
            raise RuntimeError(message)


SETTINGS = Settings()
