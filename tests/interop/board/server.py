"""A TensorBoard that runs beside the tests, and questions to it."""

import gzip
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOGS = Path(__file__).parent / "logs.py"


def write_logs(folder: Path) -> None:
    """Writes the logs of logs.py on Penstock."""
    command = [sys.executable, "-m", "penstock", "run", str(LOGS), str(folder)]
    subprocess.run(command, check=True, timeout=300)


class Board:
    """TensorBoard on a port of its own, with Penstock as its TensorFlow, by which its projector reads checkpoints.

    Args:
      folder: the logs.
      python: what runs it; by default Penstock.
    """

    def __init__(self, folder: Path, python: Sequence[str] = ()) -> None:
        python = python or [sys.executable, "-m", "penstock", "run"]
        self._process = subprocess.Popen(
            [*python, "-m", "tensorboard.main", "--logdir", str(folder), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        for line in self._process.stdout or ():
            said.append(line)
            found = re.search(r"at (http://\S+?)/? ", line)
            if found:
                self.url = found[1]
                return
        raise RuntimeError("TensorBoard did not start:\n" + "".join(said))

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()

    def read(self, path: str, data: Any = None, **query: Any) -> bytes:
        """What it answers to a request below /data."""
        url = f"{self.url}/data/{path}?{urllib.parse.urlencode(query)}"
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = answer.read()
        return gzip.decompress(found) if found[:2] == b"\x1f\x8b" else found

    def ask(self, path: str, data: Any = None, **query: Any) -> Any:
        """The same, from JSON."""
        return json.loads(self.read(path, data, **query))
