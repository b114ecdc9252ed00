"""Groups of cards: a communicator for each, made when they first compute together and kept."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from penstock._src.core.errors import OpError
from penstock._src.core.values import resources
from penstock._src.devices.cuda.driver.card import Card
from penstock._src.devices.cuda.nccl.calls import Nccl
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks


@dataclass(eq=False)
class Group:
    """Cards that compute together; ranks are their places in it.

    comms     a communicator for each
    failed    what went wrong; nothing can be done together any more
    """

    nccl: Nccl
    cards: tuple[Card, ...]
    comms: tuple[int, ...]
    failed: OpError | None = None

    def run(self, begin: Callable[[int, Card, int], object]) -> None:
        """Asks for a collective on all streams at once.

        Args:
          begin: asks for one rank's part, given the rank, its card and its communicator.

        Raises:
          OpError: this or an earlier collective has failed; the group has been aborted.
        """
        self.check()
        try:
            self.nccl.begin_group()
            try:
                for rank, (card, comm) in enumerate(zip(self.cards, self.comms, strict=True)):
                    begin(rank, card, comm)
            finally:
                self.nccl.end_group()
        except OpError as error:
            self._abort(error)
            raise

    def check(self) -> None:
        """Raises what has gone wrong since the group was made, if anything has."""
        if self.failed is None:
            failures = (self.nccl.failure(comm) for comm in self.comms)
            failure = next((f for f in failures if f is not None), None)
            if failure is not None:
                self._abort(failure)
        if self.failed is not None:
            raise self.failed

    def _abort(self, error: OpError) -> None:
        """Ends the communicators, so that no stream waits in them for ever."""
        self.failed = error
        for comm in self.comms:
            self.nccl.abort(comm)


_LOCK = forks.freed_in_child(threading.Lock())
_GROUPS: dict[tuple[int, ...], Group] = {}


def group_of(nccl: Nccl, cards: Sequence[Card]) -> Group:
    """The group of cards, which are different ones of one driver. The caller has them `held`."""
    key = tuple(map(id, cards))
    with _LOCK:
        if key not in _GROUPS:
            comms = nccl.join_all([card.physical for card in cards])
            _GROUPS[key] = group = Group(nccl, tuple(cards), tuple(comms))
            for card in cards:
                card.watched.append(group.check)
        return _GROUPS[key]


def held(cards: Sequence[Card]) -> ExitStack:
    """The locks of several cards, in the order in which everybody takes them."""
    locks = ExitStack()
    locks.enter_context(resources.UPDATING)
    for card in sorted(cards, key=lambda card: card.number):
        locks.enter_context(card.lock)
    return locks
