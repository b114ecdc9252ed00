"""A process that hunts in one target: python -m tests.fuzz.bytes.guided TARGET SECONDS SEED FOLDER

It says each kind of finding once, as a line of JSON, and keeps the input that runs in FOLDER, should it die of it. Damage is
libFuzzer's half of the time, else the format's own, which knows its checksums and messages.
"""

import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import atheris

from tests.fuzz import surviving
from tests.fuzz.bytes.packing import packed, unpacked
from tests.fuzz.bytes.smaller import smaller

WATCHED = ["penstock._src.ops", "penstock._src.data", "penstock._src.saving", "penstock._src.graph", "penstock._src.stablehlo",
           "penstock._src.native.readers", "penstock._src.util", "penstock._src.v1.saving", "penstock._src.proto",
           "penstock._src.exporters", "penstock._src.function.autograph"]  # fmt: skip
LONGEST = 1 << 14
RUNNING = "running"  # the input that runs now
HERE = Path(__file__).parent


class Hunt:
    """One target with a sample, whose files inputs replace: the first byte of an input says which."""

    def __init__(self, name: str, folder: Path) -> None:
        from tests.fuzz.bytes.targets import TARGETS
        from tests.fuzz.files import workers

        self.target, self.folder = TARGETS[name], folder
        self.sample = workers.sample(self.target)
        self.files = workers.files_of(self.sample)
        self.valid = [path.read_bytes() for path in self.files]
        self.expected = self.target.read(self.sample)
        self.known: set[Any] = set()

    def seeds(self) -> list[bytes]:
        """The sample's files, and what was found before."""
        found = [bytes([at]) + data for at, data in enumerate(self.valid) if at < 256]
        for corpus in (HERE, HERE.parent / "files"):
            for line in (corpus / "corpus.jsonl").read_text().splitlines():
                entry = json.loads(line)
                if entry["format"] == self.target.name:
                    found.append(bytes([entry["file"]]) + unpacked(entry["data"]))
        return found

    def judged(self, data: bytes) -> dict[str, Any]:
        """What comes of an input; the sample is whole again afterwards."""
        from tests.fuzz.files.judging import judged

        at = data[0] % len(self.files) if data else 0
        copy = self.sample
        if len(self.files) > 1:  # readers may write beside what they read
            copy = self.folder / "copies" / self.sample.name
            shutil.copytree(self.sample, copy)
        path = copy / self.files[at].relative_to(self.sample)
        path.write_bytes(data[1:])
        answer = judged(self.target, copy, self.expected)
        if copy is not self.sample:
            shutil.rmtree(copy)
        return answer

    def __call__(self, data: bytes) -> None:
        """Runs an input and says what is new about it."""
        (self.folder / RUNNING).write_bytes(data)
        answer = self.judged(data)
        kind = _kind(answer)
        if not answer["finding"] or kind in self.known:
            return
        self.known.add(kind)
        if answer["finding"] not in ("slow", "memory"):
            data = data[:1] + smaller(data[1:], lambda d: _kind(self.judged(data[:1] + d)) == kind)
        surviving.say(
            {**answer, "file": data[0] % len(self.files) if data else 0, "data": packed(data[1:])}
        )

    def damaged(self, data: bytes, most: int, seed: int) -> bytes:
        """Another input from one."""
        choice = random.Random(seed)
        if choice.random() < 0.5 or len(data) < 2:
            return atheris.Mutate(data, most)
        at = data[0] % len(self.files)
        try:
            made = self.target.mutate(choice, self.files[at].name, data[1:])
        except (
            ValueError,
            IndexError,
            ArithmeticError,
        ):  # so damaged that the format's own way finds no place
            return atheris.Mutate(data, most)
        return (data[:1] + made)[:most]


def _kind(answer: dict[str, Any]) -> Any:
    """What tells findings apart: the outcome, and the line that raised it."""
    places = [line for line in answer["text"].splitlines() if line.startswith('  File "')]
    return answer["finding"], answer["outcome"], places[-1:] and places[-1]


def main() -> None:
    """Hunts until the seconds are over; libFuzzer ends the process."""
    name, seconds, seed, folder = sys.argv[1:5]
    with atheris.instrument_imports(include=WATCHED):
        hunt = Hunt(name, Path(folder))
    seeds = Path(folder) / "seeds"
    seeds.mkdir()
    for number, data in enumerate(hunt.seeds()):
        (seeds / str(number)).write_bytes(data)
    surviving.limit_memory()
    surviving.say({"ready": True})
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}", "-timeout=30", "-rss_limit_mb=0",
               f"-artifact_prefix={folder}/", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], str(seeds), *options], hunt, custom_mutator=hunt.damaged)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
