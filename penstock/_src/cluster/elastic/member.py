"""Member: a worker's side of the membership of an elastic job."""

from __future__ import annotations

import functools
import json
import threading
import time

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.elastic.membership import (
    GO,
    LEAVE,
    LOST,
    MISSED,
    OVER,
    PAST,
    SERVICE,
    Generation,
)
from penstock._src.cluster.elastic.transport import Door, ElasticTransport
from penstock._src.cluster.rpc.channel import Channel
from penstock._src.cluster.transports.table import replace
from penstock._src.core.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    OpError,
)
from penstock._src.util.flags import flags

# Environment variables that the launcher sets for a worker: the address of the membership, and its number.
ADDRESS, NUMBER = "PENSTOCK_ELASTIC_ADDRESS", "PENSTOCK_ELASTIC_WORKER"
ASK_EVERY = 0.05  # seconds
BEAT_EVERY = 0.25
ANSWER_WITHIN = 10.0
JOIN_WITHIN = 600.0  # seconds in which a generation has to be made
REFUSALS = {
    MISSED: "Elastic job: section %d of the program (a fit, an evaluate or a loop) has ended in the other workers without a result, by an error that they have "
    "caught: a worker that comes later cannot follow them.",
    LOST: "Elastic job: the workers whose results this one has taken over, up to section %d of the program, are lost.",
}


class Passed(Exception):
    """The other workers have finished a section of the program, whose result this one takes.

    Args:
      result: of it.
    """

    def __init__(self, result: str) -> None:
        super().__init__("The other workers have finished this section of the program.")
        self.result = result


class Member:
    """This process as a worker of an elastic job.

    Attributes:
      generation: the one that this process is in; its number is 0 before the first.
      is_pending: True if the members should meet for another generation.
      section: of the program, that this process is in.
      is_late: True if there were members when this process began.
      is_first: True if this process is the first of the job.
      is_taken: True once a strategy works by it.
    """

    def __init__(self, address: str, number: int) -> None:
        self.generation, self.is_pending = Generation(), False
        self.transport: ElasticTransport | None = None
        self._number = number
        self._channel = Channel(address, SERVICE, "the launcher")
        self.section = 0
        status = json.loads(self._channel.call("Status", b"", ANSWER_WITHIN))
        self.is_late = status["generation"] > 0
        self.is_first, self.is_taken = number == 0, False
        self._thread = threading.Thread(target=self._beat, name="penstock member", daemon=True)

    def join(self, is_open: bool) -> Cluster:
        """Waits for the next generation and connects its members; returns this process's place in it.

        Args:
          is_open: newcomers may come in at the step where this process is.

        Raises:
          Passed: the others have finished the section.
          FailedPreconditionError: they have, and there is no result.
          SystemExit: this process is to end, as the job shrinks or is over.
          DeadlineExceededError: no generation has come about.
          UnavailableError: another member is lost meanwhile.
        """
        self.leave()
        door = Door()
        try:
            generation = self._next_generation(door.address, is_open)
        except BaseException:
            door.close()
            raise
        self.generation, self.is_pending = generation, False
        if not self._thread.is_alive():
            self._thread.start()
        cluster = Cluster(
            generation.members.index(self._number),
            len(generation.members),
            generation.addresses,
            "elastic job",
        )
        self.transport = ElasticTransport(cluster, door)
        replace(self.transport)
        self.transport.connect()
        return cluster

    def leave(self) -> None:
        """Closes the connections of the generation that is over."""
        if self.transport is not None:
            self.transport.close()
            self.transport = None
            replace(None)

    def record(self, result: str) -> None:
        """Keeps the result of the section for workers that come later."""
        request = json.dumps({"section": self.section, "result": result}).encode()
        self._channel.call("Record", request, ANSWER_WITHIN)

    def _next_generation(self, address: str, is_open: bool) -> Generation:
        asked = {
            "worker": self._number,
            "address": address,
            "after": self.generation.number,
            "open": is_open,
            "section": self.section,
        }
        request = json.dumps(asked).encode()
        until = time.monotonic() + JOIN_WITHIN
        while time.monotonic() < until:
            answer = json.loads(self._channel.call("Join", request, ANSWER_WITHIN))
            if answer["state"] == GO:
                return Generation(
                    answer["number"], tuple(answer["members"]), tuple(answer["addresses"])
                )
            if answer["state"] in (LEAVE, OVER):
                raise SystemExit(0)
            if answer["state"] == PAST:
                raise Passed(answer["result"])
            if answer["state"] in REFUSALS:
                raise FailedPreconditionError(None, None, REFUSALS[answer["state"]] % self.section)
            time.sleep(ASK_EVERY)
        raise DeadlineExceededError(
            None, None, f"No generation of the elastic job has come about in {JOIN_WITHIN:g} s."
        )

    def _beat(self) -> None:
        """Tells the launcher that this process is there, and hears from it."""
        while True:
            time.sleep(BEAT_EVERY)
            generation = self.generation
            says = {
                "worker": self._number,
                "generation": generation.number,
                "section": self.section,
            }
            request = json.dumps(says).encode()
            try:
                answer = json.loads(self._channel.call("Beat", request, ANSWER_WITHIN, 0))
            except OpError:
                continue  # a launcher that has ended ends this process
            if generation is not self.generation:
                continue
            self.is_pending = answer["pending"]
            transport = self.transport
            if (
                answer["lost"]
                and transport is not None
                and transport.cluster.hosts == generation.addresses
            ):
                ranks = ", ".join(str(generation.members.index(n)) for n in answer["lost"])
                transport.lose(
                    f"Rank {ranks} of {len(generation.members)} is lost: its process has ended."
                )


@functools.cache
def member() -> Member | None:
    """Returns this process as a worker of an elastic job; None if it is none."""
    if not flags.elastic_address:
        return None
    return Member(flags.elastic_address, flags.elastic_worker)
