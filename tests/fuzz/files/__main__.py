"""Damages files of all formats and reports what is found; see the package."""

import argparse
import base64
import collections
import json
import shutil
import sys
import zlib
from pathlib import Path

from tests.fuzz.files import workers
from tests.fuzz.files.formats import FORMATS
from tests.fuzz.files.judging import SECONDS, judged

CORPUS = Path(__file__).parent / "corpus.jsonl"


def main() -> int:
    """Runs the cases that the command line asks for; the status is 1 if anything is found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.files", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="cases of each format")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", nargs="*", choices=sorted(FORMATS), help="formats")
    parser.add_argument("--seed", type=int, help="runs one case in this process")
    parser.add_argument("--keep", action="store_true", help="adds what is found to the corpus")
    parser.add_argument("-v", action="store_true", help="shows what workers print")
    parsed = parser.parse_args()
    names = parsed.only or list(FORMATS)
    if parsed.seed is not None:
        return max(_one(name, parsed.seed, parsed.keep) for name in names)
    total = 0
    for name in names:
        outcomes: collections.Counter[str] = collections.Counter()
        found = []
        cases = workers.cases(name, parsed.first, parsed.first + parsed.count, 3 * SECONDS)
        for case in cases:
            outcomes[case["outcome"]] += 1
            if case["finding"]:
                found.append(case)
        shown = ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common())
        print(f"{name}: {shown}; {len(found)} found", flush=True)
        kinds = collections.Counter((case["finding"], case["outcome"]) for case in found)
        for (finding, outcome), count in kinds.items():
            case = next(c for c in found if (c["finding"], c["outcome"]) == (finding, outcome))
            print(f"  {finding}: {outcome} x{count}, first --only {name} --seed {case['seed']}")
            print("    " + case["text"].strip().replace("\n", "\n    ")[-700:])
            if parsed.keep and finding not in ("hang", "death"):
                _one(name, case["seed"], True)
        total += len(found)
    print(f"{total} found")
    return 1 if total else 0


def _one(name: str, seed: int, keep: bool) -> int:
    form = FORMATS[name]
    folder = workers.sample(form)
    expected = form.read(folder)
    at, data = workers.damage(form, folder, seed)
    answer = judged(form, folder, expected)
    shutil.rmtree(folder)
    print(f"{name} {seed}: {answer['outcome']} {answer['finding']}\n{answer['text']}")
    if keep:
        packed = base64.b64encode(zlib.compress(data, 9)).decode()
        with CORPUS.open("a") as file:
            file.write(json.dumps({"format": name, "file": at, "data": packed}) + "\n")
    return 1 if answer["finding"] else 0


if __name__ == "__main__":
    sys.exit(main())
