"""Worker processes that may die: a line of JSON for each case, a process anew after a death or a hang, and bounds of memory."""

import json
import os
import resource
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MARK = "case "
START = 120.0  # seconds until the first answer
# More than the cases need, far less than a length that was blown up.
ADDRESS_SPACE = 3 << 30


def limit_memory(spare: int = ADDRESS_SPACE) -> None:
    """Ends the process's wish for memory that no case needs."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, most))


def peak(reset: bool = False) -> int:
    """The most memory that was resident since the last reset, in bytes."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return 0


def say(answer: dict[str, Any]) -> None:
    """Gives an answer to the process that reads `answers`; {"ready": True} before the first case."""
    print(MARK + json.dumps(answer), flush=True)


def answers(
    module: str, options: Sequence[str], first: int, last: int, seconds: float, name: str = ""
) -> Iterator[dict[str, Any]]:
    """What came of each seed, by processes `-m module *options FIRST LAST` that begin anew after a death or a hang.

    Args:
      module: says an answer for each seed from FIRST to LAST, in order.
      options: its arguments before the seeds.
      first: the first seed.
      last: the seed after the last one.
      seconds: that a case may take.
      name: of what is tried, for errors.

    Yields:
      The answers; {"seed", "outcome", "finding", "text"} with "hang" or "death" for a case without one.

    Raises:
      RuntimeError: a process ends before its first case.
    """
    seed = first
    while seed < last:
        said = tempfile.TemporaryFile() if "-v" not in sys.argv else None
        process = subprocess.Popen(
            [sys.executable, "-m", module, *options, str(seed), str(last)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        limit, ready = START, False
        while seed < last:
            if not select.select([process.stdout], [], [], limit)[0]:
                process.kill()
                yield {"seed": seed, "outcome": "hang", "finding": "hang", "text": ""}
                seed += 1
                break
            line = process.stdout.readline().decode()
            if not line:
                text = _end_of(said)
                if not ready:
                    raise RuntimeError(f"{name or module}: no case can be run.\n{text}")
                yield {"seed": seed, "outcome": "death", "finding": "death", "text": text}
                seed += 1
                break
            if line.startswith(MARK):
                answer = json.loads(line[len(MARK) :])
                limit = seconds
                if "ready" in answer:
                    ready = True
                    continue
                seed += 1
                yield answer
        process.kill()
        process.wait()
        process.stdout.close()
        if said:
            said.close()


def _end_of(file: Any) -> str:
    if file is None:
        return ""
    file.seek(0)
    return file.read().decode(errors="replace")[-800:]
