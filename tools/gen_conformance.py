"""Writes docs/conformance.md: how many of TensorFlow's own unit tests pass, by folder, and why the others do not.

    python tools/gen_conformance.py result.json [more results]
    python tools/gen_conformance.py --record baseline.json [more baselines]

Results are what the runner of TensorFlow's tests writes: {"files": {path: {"tests": {name: outcome}}}}, where an outcome is "passed" or
[kind, reason, place]. Of a file that several results have, the last counts. What passes on TensorFlow itself stands in RECORDED, which
--record makes of results with TensorFlow; of a file that several have, the one with most passing tests counts.
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
# The tests that pass on TensorFlow 2.21, by file.
RECORDED = ROOT / "tests" / "ecosystem" / "tensorflow_tests.json.gz"
PREFIX = "tensorflow/python/"
# Internals that no published library imports: the passes of AutoGraph's own compiler. `autograph/tests` are about what it computes.
LEFT_OUT = re.compile(PREFIX + r"autograph/(converters|core|impl|operators|pyct|utils)/")
# Why tests fail, where that is known: a pattern of "path::test: error", and the reason. The first that matches counts.
REASONS: list[tuple[str, str]] = [
    (r"convert_to_constants_test", "variables of TensorFlow 1 are resources here, so graphs have no nodes such as `x/read`"),
    (r"(testLowering|Partitioning|SwitchMerge|NestedLowering)", "branches are compiled: no graph of Switch and Merge nodes, or of one device, is shown"),
    (r"CondComputeGradAfterSessRun|testGradientsNegativeAxis|testAtrousConv2DInvalid", "TensorFlow refuses what is computed here"),
    (r"(GetMemoryInfo|ResetMemoryStats)CPU", "as TensorFlow with oneDNN, which skips the test: a CPU's memory is 0"),
    (r"fingerprinting_test", "hashes of graphs are of other nodes than TensorFlow's"),
    (r"testConcreteFunctionType", "small constants are part of a function's graph, not captures of it"),
    (r"saver_large_variable_test", "checkpoints are written in format V2, which has no such limit"),
    (r"ProfilerHook", "sessions make no traces for profilers yet"),
    (r"dataset_to_graph", "no GraphDef of TensorFlow's own dataset kernels is kept"),
    (r"(CondContext|WhileContext|XLAControlFlowContext|\[Op:(Enter|Exit|Switch|Merge|NextIteration)\])",
     "control flow of TensorFlow 1 as single operations (Enter, Switch, Merge) does not run"),
    (r"np\.int64\(\d+\) != \d+.*flat_map|flat_map_test.*np\.int64", "counts of a checkpointed `flat_map` differ"),
    (r"timeout|no result by then|not run", "the file did not end within the limit"),
]  # fmt: skip
# What makes two messages of one kind differ.
_PARTICULARS = re.compile(r"0x[0-9a-f]+|-?\d+(\.\d+)?(e[+-]?\d+)?")
LONGEST = 110  # characters of a message


@dataclass(frozen=True)
class Outcome:
    """A test that passes on TensorFlow, and what came of it here."""

    path: str
    name: str
    error: str  # "" if it passed

    @property
    def folder(self) -> str:
        return "/".join(self.path.removeprefix(PREFIX).split("/")[:-1][:2])

    @property
    def reason(self) -> str:
        """Why it failed: a known reason, or its message without numbers."""
        shown = f"{self.path}::{self.name}: {self.error}"
        for pattern, reason in REASONS:
            if re.search(pattern, shown):
                return reason
        words = _PARTICULARS.sub("N", " ".join(self.error.split()))[:LONGEST]
        return f"`{words.replace('`', '').replace('|', '/')}`"


def main() -> int:
    """Writes the page or the record; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=pathlib.Path, nargs="+")
    parser.add_argument("--record", action="store_true", help="keep what passes on TensorFlow")
    options = parser.parse_args()
    results = [json.loads(path.read_text())["files"] for path in options.results]
    if options.record:
        record(results)
        return 0
    found = {path: entry for result in results for path, entry in result.items()}
    PAGE.write_text(page(list(outcomes(found))))
    return 0


def record(results: list[dict[str, dict]]) -> None:
    """Writes the names of the tests that pass on TensorFlow."""
    passing: dict[str, list[str]] = {}
    for result in results:
        for path, entry in result.items():
            names = sorted(name for name, got in entry["tests"].items() if got == "passed")
            if len(names) > len(passing.get(path, [])):
                passing[path] = names
    text = json.dumps(dict(sorted(passing.items()))).encode()
    RECORDED.write_bytes(gzip.compress(text, mtime=0))


def recorded() -> dict[str, list[str]]:
    """The tests that pass on TensorFlow, by file."""
    return json.loads(gzip.decompress(RECORDED.read_bytes()))


def outcomes(result: dict[str, dict]) -> Iterator[Outcome]:
    """The tests that pass on TensorFlow, of files that were run here."""
    passing = recorded()
    for path in sorted(result.keys() & passing.keys()):
        if LEFT_OUT.match(path):
            continue
        got = result[path]["tests"]
        for name in passing[path]:
            found = got.get(name) or got.get("<file>") or ["failed", "not run: no such test", ""]
            yield Outcome(path, name, "" if found == "passed" else f"{found[1]}")


def page(tests: list[Outcome]) -> str:
    """Returns the page."""
    passed = sum(not test.error for test in tests)
    files = len({test.path for test in tests})
    lines = [
        "# TensorFlow's own tests on Penstock",
        "",
        f"**{passed} of {len(tests)} tests pass, {_share(passed, len(tests))}.** These are the tests of {files} files of TensorFlow 2.21's",
        "`tensorflow/python` that pass on TensorFlow itself on a CPU; `import tensorflow` gives Penstock. Left out are files that need GPUs,",
        "TPUs, several processes, or bindings of TensorFlow's C++ code, and the passes of AutoGraph's own compiler (`autograph/pyct`, `converters`,",
        "`core`, `impl`, `operators`, `utils`), internals that no published library imports but for a part of `pyct`, which is here and tested. Written by",
        "`tools/gen_conformance.py`.",
        "",
        "| folder | pass | of | |",
        "|---|---:|---:|---:|",
    ]
    for folder, members in _grouped(tests, "folder"):
        good = sum(not test.error for test in members)
        lines.append(f"| {folder} | {good} | {len(members)} | {_share(good, len(members))} |")
    lines += ["", "## What fails, and why"]
    for folder, members in _grouped([test for test in tests if test.error], "folder"):
        lines += ["", f"### {folder} ({len(members)})", ""]
        counted = collections.Counter(test.reason for test in members)
        for reason, count in counted.most_common():
            names = sorted({pathlib.Path(t.path).stem for t in members if t.reason == reason})
            lines.append(f"- {count} in {', '.join(names)}: {reason}")
    return "\n".join(lines) + "\n"


def _grouped(tests: list[Outcome], attribute: str) -> list[tuple[str, list[Outcome]]]:
    found = collections.defaultdict(list)
    for test in tests:
        found[getattr(test, attribute)].append(test)
    return sorted(found.items())


def _share(part: int, whole: int) -> str:
    """A share in percent, never rounded up to a hundred."""
    return f"{int(1000 * part / whole) / 10} %"


if __name__ == "__main__":
    sys.exit(main())
