"""Worker processes: each damages samples and reads them, and may die of it.

python -m tests.fuzz.files.workers FORMAT FIRST LAST     a line of JSON for each seed
"""

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz import surviving


def sample(form: Any) -> Path:
    """A folder with a valid sample; who asks removes it."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz_"))
    form.make(folder)
    return folder


def files_of(folder: Path) -> list[Path]:
    """The files in it, in an order that is the same for every sample of a format."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def damage(form: Any, folder: Path, seed: int) -> tuple[int, bytes]:
    """Damages one file of a sample; returns its number and its new bytes."""
    choice = random.Random(f"{form.name}:{seed}")
    paths = files_of(folder)
    at = choice.randrange(len(paths))
    data = form.mutate(choice, paths[at].name, paths[at].read_bytes())
    paths[at].write_bytes(data)
    return at, data


def run(name: str, first: int, last: int) -> None:
    """Runs cases in this process and prints what came of each."""
    from tests.fuzz.files.formats import FORMATS
    from tests.fuzz.files.judging import judged

    form = FORMATS[name]
    valid = sample(form)
    expected = form.read(valid)
    surviving.limit_memory()
    surviving.say({"ready": True})
    for seed in range(first, last):
        # Under the name of the sample: some formats hold their own paths.
        folder = Path(tempfile.mkdtemp(prefix="fuzz_")) / valid.name
        shutil.copytree(valid, folder)
        damage(form, folder, seed)
        answer = {"seed": seed, **judged(form, folder, expected)}
        shutil.rmtree(folder.parent)
        surviving.say(answer)
    shutil.rmtree(valid)


def cases(name: str, first: int, last: int, seconds: float) -> Iterator[dict[str, Any]]:
    """What came of each seed, by processes that begin anew after a death or a hang."""
    return surviving.answers("tests.fuzz.files.workers", [name], first, last, seconds, name)


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
