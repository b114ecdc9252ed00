"""Communication of replicas: options of collective operations."""

import dataclasses
import logging
from enum import Enum
from typing import Any

from penstock._src.util.export import export


@export(
    "distribute.experimental.CommunicationImplementation",
    "distribute.experimental.CollectiveCommunication",
)
class CommunicationImplementation(Enum):
    """Exchange of values between workers: `NCCL` between their GPUs, `RING` through the host, or `AUTO`, NCCL where all workers can.

    >>> tf.distribute.experimental.CommunicationImplementation.RING.name
    'RING'
    """

    AUTO = "AUTO"
    RING = "RING"
    NCCL = "NCCL"


@export("distribute.experimental.CommunicationOptions", v1=[])
@dataclasses.dataclass(eq=False, repr=False)
class CommunicationOptions:
    """Options of a collective operation.

    Args:
      bytes_per_pack: how many bytes are sent at once; 0 means no preference.
      timeout_seconds: the time after which a collective operation between processes fails.
      implementation: a CommunicationImplementation, or its name.

    Raises:
      ValueError: `bytes_per_pack` is negative, or the implementation is unknown.

    >>> tf.distribute.experimental.CommunicationOptions(timeout_seconds=60.0).timeout_seconds
    60.0
    """

    bytes_per_pack: int = 0
    timeout_seconds: float | None = None
    implementation: Any = CommunicationImplementation.AUTO

    def __post_init__(self) -> None:
        if self.bytes_per_pack < 0:
            raise ValueError(
                f"Argument `bytes_per_pack` must be >=0, Received {self.bytes_per_pack}."
            )
        if isinstance(self.implementation, str):
            self.implementation = CommunicationImplementation(self.implementation.upper())
        if not isinstance(self.implementation, CommunicationImplementation):
            raise ValueError(
                "Argument `implementation` must be instance of "
                "`tf.distribute.experimental.CommunicationImplementation`."
            )

    def __repr__(self) -> str:
        return (
            f"Options(bytes_per_pack={self.bytes_per_pack},timeout_seconds={self.timeout_seconds}, "
            f"implementation={self.implementation})"
        )


@export("distribute.experimental.CollectiveHints")
class CollectiveHints:
    """The older name of CommunicationOptions; calling it returns CommunicationOptions.

    Args:
      bytes_per_pack, timeout_seconds: as `tf.distribute.experimental.CommunicationOptions`'.
    """

    def __new__(cls, bytes_per_pack: int = 0, timeout_seconds: float | None = None) -> Any:
        """Returns CommunicationOptions, and warns that this is what they are called."""
        logging.getLogger("tensorflow").warning(
            "CollectiveHints is deprecated and will be removed in a future version. Use "
            "tf.distribute.experimental.CommunicationOptions instead."
        )
        return CommunicationOptions(bytes_per_pack, timeout_seconds)

    def __init__(self, bytes_per_pack: int = 0, timeout_seconds: float | None = None) -> None:
        """Never runs: `__new__` returns an object of another class."""
