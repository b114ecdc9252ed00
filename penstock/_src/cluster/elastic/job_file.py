"""Job files: the address of an elastic job, and a name that distinguishes it from a file that an earlier job has left."""

from __future__ import annotations

import contextlib
import os
import re

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.util.files.whole import written_whole

ADDRESS = re.compile(
    r"(?P<address>[A-Za-z0-9._-]+:(?P<port>[0-9]{1,5}))(?: (?P<job>[0-9a-f]{16}))?\s*"
)
LONGEST = 1024  # bytes
LAST_PORT = 65535


def write(path: str, address: str, job: str) -> None:
    """Writes a job file."""
    with written_whole(path, "w") as file:
        file.write(f"{address} {job}\n")


def read(path: str) -> tuple[str, str]:
    """Returns the address and the name in a job file.

    Raises:
      InvalidArgumentError: it is not a job file.
      OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return parse(file.read(LONGEST).decode("latin-1"), f"The job file {path}")


def parse(text: str, origin: str) -> tuple[str, str]:
    """Returns the address and the name (empty if there is none) in a text.

    Args:
      text: HOST:PORT, and maybe a name.
      origin: where it is from, for messages.

    Raises:
      InvalidArgumentError: it is anything else.
    """
    match = ADDRESS.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= LAST_PORT:
        raise InvalidArgumentError(
            None, None, f"{origin} must hold HOST:PORT. Received: {text[:60]!r}."
        )
    return match["address"], match["job"] or ""


def remove(path: str, job: str) -> None:
    """Removes a job's own file; one that another job has written since stays."""
    with contextlib.suppress(OSError, InvalidArgumentError):
        if read(path)[1] == job:
            os.remove(path)
