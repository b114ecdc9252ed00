"""Runs all cases: `python -m tests.fuzz.advisories [--library tensorflow] [--json FILE] [--only TEXT] [--page --theirs FILE]`."""

import argparse
import json
import pathlib
from typing import Any

from tests.fuzz import surviving
from tests.fuzz.advisories.cases import CASES

SECONDS = 120.0  # without an answer: a process hangs
PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "advisories.md"
HEAD = """# TensorFlow's security advisories

Written by `python -m tests.fuzz.advisories --page`. Each row is an input written from a published advisory on TensorFlow (2018 to 2023), called eagerly and within a
`tf.function`. Penstock has to refuse it with an error of TensorFlow's classes, or to compute it; `make test` runs all of them. TensorFlow's column is what 2.21 does.

"""


def outcomes(library: str, chosen: list[int]) -> dict[str, list[dict[str, Any]]]:
    """Returns {name of a case: what came of it eagerly and in a function}."""
    found: dict[str, list[dict[str, Any]]] = {}
    for place in chosen:
        found.setdefault(key(place), [])
    for first, last in ranges(chosen):
        module = "tests.fuzz.advisories.worker"
        for answer in surviving.answers(module, [library], 2 * first, 2 * last, SECONDS):
            found[key(answer["seed"] // 2)].append(answer)
    return found


def key(place: int) -> str:
    """A case's name in files: there are several of some advisories."""
    return f"{place} {CASES[place].name}"


def ranges(chosen: list[int]) -> list[tuple[int, int]]:
    """Runs of places that follow each other, as (first, after the last)."""
    found: list[tuple[int, int]] = []
    for place in chosen:
        if found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def shown(answers: list[dict[str, Any]]) -> str:
    """What came of a case, once if both ways agree."""
    texts = [answer["finding"] or answer["outcome"] for answer in answers]
    return texts[0] if len(set(texts)) == 1 else ", in a function ".join(texts)


def write_page(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Writes docs/advisories.md."""
    rows = sorted((CASES[place].cve, CASES[place].op, key(place)) for place in range(len(CASES)))
    lines = ["| advisory | operation | Penstock | TensorFlow 2.21 |", "|---|---|---|---|"]
    for cve, op, name in rows:
        other = shown(theirs[name]) if name in theirs else "–"
        lines.append(f"| {cve} | `{op}` | {shown(ours[name])} | {other} |")
    count = len({cve for cve, _, _ in rows})
    PAGE.write_text(
        HEAD + f"{len(rows)} inputs of {count} advisories.\n\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="penstock")
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--theirs")
    options = parser.parse_args()
    chosen = [place for place in range(len(CASES)) if options.only in CASES[place].name]
    found = outcomes(options.library, chosen)
    for name, answers in found.items():
        for way, answer in zip(("eager", "function"), answers, strict=False):
            if answer["finding"]:
                print(name, way, answer["finding"], answer["outcome"], answer["text"][:300])
    print(
        len(found),
        "cases,",
        sum(any(a["finding"] for a in f) for f in found.values()),
        "with findings",
    )
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(found))
    if options.page:
        theirs = json.loads(pathlib.Path(options.theirs).read_text()) if options.theirs else {}
        write_page(found, theirs)


if __name__ == "__main__":
    main()
