"""Messages: bytes from one process of a cluster to another, of any length, in order.

Exchanges of a `Transport` are of all members of a group; what only two processes have to do with each other goes this way.
"""

import abc
import contextlib
from collections.abc import Iterator

import numpy as np


class Messages(abc.ABC):
    """Carrier of messages. All processes of the cluster make one at the same time."""

    @abc.abstractmethod
    def send(self, rank: int, message: np.ndarray) -> None:
        """Begins to send a message.

        Args:
          rank: to whom.
          message: uint8, contiguous; it must not be changed from now on.
        """

    @abc.abstractmethod
    def receive(self, rank: int) -> np.ndarray:
        """Returns the next message of a process, uint8, once it has come.

        Args:
          rank: from whom.

        Raises:
          UnavailableError: a process of the cluster has stopped answering.
          DeadlineExceededError: it has not come within the transport's timeout.
        """

    @contextlib.contextmanager
    def travelling(self) -> Iterator[None]:
        """Within the block messages travel while this process computes."""
        yield
