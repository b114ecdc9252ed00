"""Draws calls in worker processes and reports what is found; see the package."""

import argparse
import collections
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.fuzz import surviving
from tests.fuzz.calls import peer, worker

CORPUS = Path(__file__).parent / "corpus.jsonl"
HANGING = 40.0  # seconds until a call counts as one that hangs; a hunt beside TensorFlow's waits for its starts, too
PORTION = 1_000_000


def main() -> int:
    """Runs the calls that the command line asks for; the status is 1 if anything is found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.calls", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help='a pattern for "op Name" and "function path"')
    parser.add_argument("--seed", type=int, help="runs one call in this process")
    parser.add_argument("--tensorflow", help="a Python that has TensorFlow")
    parser.add_argument("--out", help="a file to which findings are added, as lines of JSON")
    parser.add_argument("-v", action="store_true", help="shows what workers print")
    parsed = parser.parse_args()
    if parsed.tensorflow:
        os.environ[peer.VARIABLE] = parsed.tensorflow
    os.environ.setdefault("PENSTOCK_CACHE_DIR", "none")
    os.environ.setdefault("PENSTOCK_OPTIMIZE", "0")
    if parsed.seed is not None:
        return _one(parsed.only, parsed.seed)
    return _hunt(parsed)


def _hunt(parsed: Any) -> int:
    start, count = time.monotonic(), 0
    outcomes: collections.Counter[str] = collections.Counter()
    found: dict[str, list[Any]] = collections.defaultdict(list)
    seconds = HANGING + (peer.START if parsed.tensorflow else 0)
    cases = surviving.answers(
        "tests.fuzz.calls.worker", [parsed.only], parsed.first, parsed.first + PORTION, seconds
    )
    for case in cases:
        count += 1
        outcomes[case["outcome"]] += 1
        if case["finding"]:
            case.setdefault("call", worker.case_of(parsed.only, case["seed"]).call())
            found[_class_of(case)].append(case)
            if parsed.out:
                with open(parsed.out, "a") as file:
                    file.write(json.dumps(case) + "\n")
        if time.monotonic() - start > 60 * parsed.minutes:
            break
    cases.close()  # type: ignore[attr-defined]
    for kind, those in sorted(found.items(), key=lambda entry: -len(entry[1])):
        case = those[0]
        print(f"{len(those)} x {kind}: first --seed {case['seed']}")
        print(f"    {json.dumps(case['call'])[:400]}")
        print("    " + case["text"].strip().replace("\n", "\n    ")[-600:])
    total = sum(map(len, found.values()))
    print(", ".join(f"{outcome} {times}" for outcome, times in outcomes.most_common()))
    print(f"{count} calls in {time.monotonic() - start:.0f} s; {total} finds of {len(found)} kinds")
    return 1 if total else 0


def _class_of(case: Any) -> str:
    name = case["call"].get("op") or case["call"]["function"]
    return case["finding"] if " at " in case["finding"] else f"{case['finding']} in {name}"


def _one(pattern: str, seed: int) -> int:
    from tests.fuzz.calls.judging import judged

    surviving.limit_memory()
    case = worker.case_of(pattern, seed)
    print(json.dumps(case.call()))
    answer = judged(case.call(), seed=seed)
    eager = answer.pop("eager", None)
    if eager is not None and not answer["finding"]:
        answer["finding"], answer["text"] = peer.compared(case.call(), eager)
    print(f"{answer['outcome']} {answer['finding']}\n{answer['text']}")
    return 1 if answer["finding"] else 0


if __name__ == "__main__":
    sys.exit(main())
