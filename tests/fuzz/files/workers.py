"""Worker processes: each damages samples and reads them, and may die of it.

python -m tests.fuzz.files.workers FORMAT FIRST LAST     a line of JSON for each seed
"""

import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
MARK = "case "
START = 120.0  # seconds until the first answer


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
    from tests.fuzz.files.judging import judged, limit_memory

    form = FORMATS[name]
    valid = sample(form)
    expected = form.read(valid)
    limit_memory()
    print(MARK + json.dumps({"ready": True}), flush=True)
    for seed in range(first, last):
        # Under the name of the sample: some formats hold their own paths.
        folder = Path(tempfile.mkdtemp(prefix="fuzz_")) / valid.name
        shutil.copytree(valid, folder)
        damage(form, folder, seed)
        answer = {"seed": seed, **judged(form, folder, expected)}
        shutil.rmtree(folder.parent)
        print(MARK + json.dumps(answer), flush=True)
    shutil.rmtree(valid)


def cases(name: str, first: int, last: int, seconds: float) -> Iterator[dict[str, Any]]:
    """What came of each seed, by processes that begin anew after a death or a hang."""
    seed = first
    while seed < last:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.files.workers", name, str(seed), str(last)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if "-v" not in sys.argv else None,
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
                text = process.stderr.read().decode()[-800:] if process.stderr else ""
                if not ready:
                    raise RuntimeError(f"{name}: the sample cannot be made or read.\n{text}")
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


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
