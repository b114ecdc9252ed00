"""Faults of workers and their network: what each does, and how a job has to end that suffers it."""

import random
from dataclasses import asdict, dataclass

from tests.fuzz.clusters.job import EVERY, STEPS

WORKERS = 4
# How jobs have to end: as if nothing had happened; with an error that names the rank; all with a checkpoint of one step.
UNDISTURBED, NAMED, SAVED = "goes on", "ends with an error", "saves and ends"


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    ending  how jobs have to end
    hosts   whether it is one of the network, so that workers are on hosts of their own
    """

    ending: str
    hosts: bool = False


KINDS = {
    "kill": Kind(NAMED),
    "stop": Kind(NAMED),
    "pause": Kind(UNDISTURBED),
    "full": Kind(NAMED),
    "preempt": Kind(SAVED),
    "cut": Kind(NAMED, hosts=True),
    "delay": Kind(UNDISTURBED, hosts=True),
}


@dataclass(frozen=True)
class Fault:
    """A fault of one job.

    transport  mpi or grpc
    kind       of KINDS, or "none"
    rank       whom it befalls; -1: everyone
    step       in which step
    after      seconds after the step's begin
    seconds    how long it lasts, if it ends
    """

    transport: str
    kind: str
    rank: int = -1
    step: int = 0
    after: float = 0.0
    seconds: float = 0.0

    def asdict(self):
        return asdict(self)

    def __str__(self):
        return f"{self.kind} of rank {self.rank} in step {self.step} ({self.transport})"


def fault(seed, kinds, transports):
    """The fault of a seed: kinds in turns, the rest random."""
    chance = random.Random(seed)
    kind = kinds[seed % len(kinds)]
    transport = transports[seed // len(kinds) % len(transports)]
    rank = 0 if kind == "full" else chance.randrange(WORKERS)  # rank 0 writes checkpoints
    # A checkpoint is to come; of one that a thread could not write the error is raised when the next one is due.
    last = STEPS - 2 * EVERY if kind == "full" else STEPS - 6
    return Fault(
        transport, kind, rank,
        step=chance.randrange(2, last),
        after=chance.choice([0.0, 0.0, chance.uniform(0, 0.02)]),
        seconds=chance.uniform(0.2, 1.5),
    )  # fmt: skip
