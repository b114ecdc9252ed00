"""Cluster: which processes work together, and which of them this one is."""

from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Cluster:
    """The processes of a job.

    rank    the number of this process, from 0
    size    how many processes there are
    hosts   the address of each, by rank; empty if the environment does not tell
    source  the name of the environment that describes them
    """

    rank: int
    size: int
    hosts: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.size:
            raise ValueError(
                f"{self.source}: the rank must be in [0, {self.size}). Received {self.rank}."
            )

    @property
    def is_chief(self) -> bool:
        """True if this process performs the writes that happen once per cluster."""
        return self.rank == 0


ALONE = Cluster(0, 1, source="no cluster")
