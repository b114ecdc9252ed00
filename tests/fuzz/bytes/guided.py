"""Hunts in targets: each in a child of this process, which imports the code once, made to tell what an input reaches.

Damage is libFuzzer's half of the time, else the format's own, which knows its checksums and messages.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import atheris

from tests.fuzz import surviving
from tests.fuzz.bytes.packing import packed, unpacked
from tests.fuzz.bytes.smaller import smaller

LONGEST = 1 << 14
SECONDS = 30  # that an input may take
SPARE = 60.0  # seconds to end in, beyond those of the hunt
HERE = Path(__file__).parent


class Hunt:
    """One target with a sample, whose files inputs replace: the first byte of an input says which."""

    def __init__(self, target: Any) -> None:
        from tests.fuzz.files import workers

        self.target = target
        self.folder = Path(tempfile.mkdtemp(prefix="hunt_"))
        self.sample = workers.sample(target)
        self.files = workers.files_of(self.sample)
        self.valid = [path.read_bytes() for path in self.files]
        self.expected = target.read(self.sample)
        self.known: set[Any] = set()
        self.running = self.folder / "running"  # the input that runs now
        self.found = self.folder / "found"  # a line of JSON for each kind of finding
        self.said = self.folder / "said"

    def end(self) -> None:
        """Removes all files."""
        shutil.rmtree(self.folder)
        shutil.rmtree(self.sample)

    def seeds(self) -> Iterator[bytes]:
        """The sample's files, and what was found before."""
        yield from (bytes([at]) + data for at, data in enumerate(self.valid[:256]))
        for corpus in (HERE, HERE.parent / "files"):
            for line in (corpus / "corpus.jsonl").read_text().splitlines():
                entry = json.loads(line)
                if entry["format"] == self.target.name:
                    yield bytes([entry["file"]]) + unpacked(entry["data"])

    def place(self, data: bytes) -> int:
        """The number of the file that an input replaces."""
        return data[0] % len(self.files) if data else 0

    def judged(self, data: bytes) -> dict[str, Any]:
        """What comes of an input."""
        from tests.fuzz.files.judging import judged

        copy = self.sample
        if (
            len(self.files) > 1
        ):  # the others stay whole; and readers may write beside what they read
            copy = self.folder / "copies" / self.sample.name
            shutil.copytree(self.sample, copy)
        path = copy / self.files[self.place(data)].relative_to(self.sample)
        path.write_bytes(data[1:])
        answer = judged(self.target, copy, self.expected)
        if copy is not self.sample:
            shutil.rmtree(copy)
        return answer

    def __call__(self, data: bytes) -> None:
        """Runs an input and notes what is new about it."""
        self.running.write_bytes(data)
        answer = self.judged(data)
        kind = _kind(answer)
        if answer["finding"] and kind not in self.known:
            self.known.add(kind)
            if answer["finding"] not in ("slow", "memory"):
                data = data[:1] + smaller(
                    data[1:], lambda d: _kind(self.judged(data[:1] + d)) == kind
                )
            with self.found.open("a") as file:
                file.write(json.dumps({**answer, **self._input(data)}) + "\n")
        self.running.unlink()

    def _input(self, data: bytes) -> dict[str, Any]:
        return {"file": self.place(data), "data": packed(data[1:])}

    def damaged(self, data: bytes, most: int, seed: int) -> bytes:
        """Another input from one."""
        choice = random.Random(seed)
        if choice.random() < 0.5 or len(data) < 2:
            return atheris.Mutate(data, most)
        try:
            name = self.files[self.place(data)].name
            made = self.target.mutate(choice, name, data[1:])
        except (
            ValueError,
            IndexError,
            ArithmeticError,
        ):  # so damaged that the format's way finds no place
            return atheris.Mutate(data, most)
        return (data[:1] + made)[:most]

    def findings(self, ended: int) -> list[dict[str, Any]]:
        """What a child found, whose exit status this is; also what it died of."""
        lines = self.found.read_text().splitlines() if self.found.exists() else []
        found = [json.loads(line) for line in lines]
        if not self.running.exists():
            return found
        said = self.said.read_text(errors="replace")
        kind = "hang" if ended == -signal.SIGKILL or "libFuzzer: timeout" in said else "death"
        last = self._input(self.running.read_bytes())
        return [*found, {"finding": kind, "outcome": kind, "text": said[-2000:], **last}]


def _kind(answer: dict[str, Any]) -> Any:
    """What tells findings apart: the outcome, and the line that raised it."""
    places = [line for line in answer["text"].splitlines() if line.startswith('  File "')]
    return answer["finding"], answer["outcome"], "".join(places[-1:])


def instrumented(load: Callable[[], Any]) -> Any:
    """Loads Penstock in such a way that its functions tell libFuzzer what an input reaches."""
    with atheris.instrument_imports(include=["penstock"]):
        return load()


def fuzz(hunt: Hunt, seconds: int, seed: int) -> int:
    """Hunts in a child process; returns its exit status, or minus the signal that ended it."""
    child = os.fork()
    if not child:
        _fuzz(hunt, seconds, seed)
    end = time.monotonic() + seconds + SPARE
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _fuzz(hunt: Hunt, seconds: int, seed: int) -> None:
    """Hunts in this process, which libFuzzer ends."""
    said = os.open(hunt.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    seeds = hunt.folder / "seeds"
    seeds.mkdir(exist_ok=True)
    for number, data in enumerate(hunt.seeds()):
        (seeds / str(number)).write_bytes(data)
    surviving.limit_memory()
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}", f"-timeout={SECONDS}",
               "-rss_limit_mb=0", f"-artifact_prefix={hunt.folder}/", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], str(seeds), *options], hunt, custom_mutator=hunt.damaged)
    atheris.Fuzz()
