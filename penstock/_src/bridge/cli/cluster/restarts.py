"""The machines of ranks, and those that remain when a job is restarted."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from penstock._src.bridge.cli.arguments import Refused

ANSWERS_WITHIN = 10  # seconds that a host has


@dataclass(frozen=True)
class Places:
    """Places of ranks.

    count  how many ranks there are
    hosts  "name" or "name:ranks"; none if all are on this one
    least  how many ranks are enough
    """

    count: int
    hosts: tuple[str, ...]
    least: int

    def left(self) -> Places:
        """Returns the places on hosts that answer.

        Raises:
          Refused: they are too few.
        """
        there = tuple(host for host in self.hosts if _answers(host))
        if there == self.hosts:
            return self
        count = min(self.count, sum(map(self._ranks, there)))
        if count < self.least or not count:
            gone = ", ".join(host for host in self.hosts if host not in there)
            raise Refused(
                f"The job cannot be started again: {gone} does not answer, and {count} of {self.count} ranks are left "
                f"(--min {self.least})."
            )
        return Places(count, there, self.least)

    def _ranks(self, host: str) -> int:
        count = host.partition(":")[2]
        return int(count) if count else -(-self.count // len(self.hosts))


def _answers(host: str) -> bool:
    """True if a command can be run on a host, in the way in which mpiexec does."""
    shell = os.environ.get("HYDRA_LAUNCHER_EXEC", "ssh")
    command = [shell, "-oBatchMode=yes", "-oConnectTimeout=5", host.partition(":")[0], "true"]
    try:
        return not subprocess.run(
            command, capture_output=True, timeout=ANSWERS_WITHIN, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return False
