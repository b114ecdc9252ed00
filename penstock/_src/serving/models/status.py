"""States of versions, as TensorFlow Serving names them."""

from __future__ import annotations

import enum

from penstock._src.core.errors import OpError
from penstock._src.util.dataclass import dataclass


class State(enum.Enum):
    """State of a version; the values are those of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """The state of a version.

    Args:
      number: of the version.
      state: what it is doing.
      error: why it ended, if it was not unloaded in order.
    """

    number: int
    state: State
    error: Exception | None = None

    @property
    def error_code(self) -> int:
        """TensorFlow's code of the error; 0 for none."""
        if self.error is None:
            return 0
        return self.error.error_code if isinstance(self.error, OpError) else OpError.CODE
