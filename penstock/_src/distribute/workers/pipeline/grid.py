"""Assignment of processes to stages and replicas."""

from __future__ import annotations

from dataclasses import dataclass

from penstock._src.cluster.transport import Group

CHANNEL = 7  # for exchanges between the replicas of a stage


@dataclass(frozen=True)
class Grid:
    """The processes as a grid of replicas and stages: the stages of a replica are neighbors.

    rank      of this process
    size      of the cluster
    replicas  how many times there is each stage
    """

    rank: int
    size: int
    replicas: int

    @property
    def stages(self) -> int:
        """Number of stages."""
        return self.size // self.replicas

    @property
    def stage(self) -> int:
        """The stage of this process."""
        return self.rank % self.stages

    @property
    def replica(self) -> int:
        """The replica of this process."""
        return self.rank // self.stages

    @property
    def is_first(self) -> bool:
        """True if this process belongs to the first stage, which takes the inputs."""
        return self.stage == 0

    @property
    def is_last(self) -> bool:
        """True if this process belongs to the last stage, which computes the loss."""
        return self.stage == self.stages - 1

    @property
    def same_stage(self) -> Group:
        """The processes with this one's stage."""
        return Group(tuple(range(self.stage, self.size, self.stages)), CHANNEL)

    def first_of(self, replica: int) -> int:
        """Returns the rank of a replica's first stage."""
        return replica * self.stages

    def last_of(self, replica: int) -> int:
        """Returns the rank of a replica's last stage."""
        return (replica + 1) * self.stages - 1

    def neighbors(self) -> list[int]:
        """Returns the ranks of the stages beside this one."""
        ranks = [] if self.is_first else [self.rank - 1]
        return ranks if self.is_last else [*ranks, self.rank + 1]
