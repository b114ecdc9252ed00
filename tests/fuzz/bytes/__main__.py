"""Hunts in one target after another and reports what is found; see the package."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fuzz.bytes.packing import packed
from tests.fuzz.surviving import MARK, ROOT

CORPUS = Path(__file__).parent / "corpus.jsonl"
START = 180.0  # seconds for a process to start, beyond those that it hunts
COVERED = re.compile(rb"cov: (\d+)")
RUNS = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")


def main() -> int:
    """Runs what the command line asks for; the status is 1 if anything is found."""
    from tests.fuzz.bytes.targets import TARGETS

    parser = argparse.ArgumentParser("python -m tests.fuzz.bytes", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="of all targets together")
    parser.add_argument("--only", nargs="*", choices=sorted(TARGETS), help="targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="adds what is found to the corpus")
    parsed = parser.parse_args()
    names = parsed.only or list(TARGETS)
    total = 0
    for name in names:
        found, runs, covered = hunted(name, 60 * parsed.minutes / len(names), parsed.seed)
        print(f"{name}: {runs} inputs, {covered} edges; {len(found)} found", flush=True)
        for case in found:
            print(f"  {case['finding']}: {case['outcome']}, {json.dumps(case['data'])[:300]}")
            print("    " + case["text"].strip().replace("\n", "\n    ")[-700:], flush=True)
            if parsed.keep:
                with CORPUS.open("a") as file:
                    entry = {"format": name, "file": case["file"], "data": case["data"]}
                    file.write(json.dumps(entry) + "\n")
        total += len(found)
    print(f"{total} found")
    return 1 if total else 0


def hunted(name: str, seconds: float, seed: int) -> tuple[list[dict[str, Any]], int, int]:
    """Hunts in a target; a process that dies or hangs is followed by another while there is time.

    Returns:
      what was found; how many inputs ran; how many edges of the code they reached.
    """
    end = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    runs = covered = 0
    while (left := int(end - time.monotonic())) > 0:
        folder = Path(tempfile.mkdtemp(prefix="hunt_"))
        started = time.monotonic()
        cases, said, died = _process(name, left, seed, folder)
        end += max(0.0, time.monotonic() - started - left)  # what starting took
        runs += max([int(n) for n in RUNS.findall(said)], default=0)
        covered = max([covered, *[int(n) for n in COVERED.findall(said)]])
        found += cases
        if died:
            found.append(_death(folder, said, died))
        shutil.rmtree(folder)
        if not died:
            break
        seed += 1
    return found, runs, covered


def _process(
    name: str, seconds: int, seed: int, folder: Path
) -> tuple[list[dict[str, Any]], bytes, str]:
    """What one process found and said, and whether it ended by "death" or "hang"."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.bytes.guided",
        name,
        str(seconds),
        str(seed),
        str(folder),
    ]
    with open(folder / "said", "wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            },
        )
        try:
            output, _ = process.communicate(timeout=seconds + START)
            died = "death" if process.returncode else ""
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            died = "hang"
    said = (folder / "said").read_bytes()
    cases = [
        json.loads(line[len(MARK) :])
        for line in output.decode(errors="replace").splitlines()
        if line.startswith(MARK)
    ]
    if not cases:
        raise RuntimeError(f"{name}: no input can be run.\n{said.decode(errors='replace')[-2000:]}")
    hung = died == "hang" or b"libFuzzer: timeout" in said
    return cases[1:], said, "hang" if hung else died


def _death(folder: Path, said: bytes, died: str) -> dict[str, Any]:
    data = (folder / "running").read_bytes()
    text = said.decode(errors="replace")[-2000:]
    return {
        "finding": died,
        "outcome": died,
        "text": text,
        "file": data[0] if data else 0,
        "data": packed(data[1:]),
    }


if __name__ == "__main__":
    sys.exit(main())
