"""The command: runs the program, compares, reports."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock._src.bridge.cli.arguments import Parser, Refused, parse_with_program
from penstock._src.bridge.cli.verify.comparison import KINDS, Comparison, compare
from penstock._src.bridge.cli.verify.environments import python_of
from penstock._src.bridge.cli.verify.records import Run, read
from penstock._src.util.process.progress import Progress

RECORDER = pathlib.Path(__file__).with_name("recorder.py")
DESCRIPTION = """Runs a program on Penstock and on TensorFlow with the same seeds, and says where they part: it compares what Keras's layers give, the losses and
gradients of tapes, and the variables after each step of an optimizer. Without a TensorFlow, it compares compiled code with Penstock's interpreter.
A difference is relative to the greatest element of what a layer gives, or of a step's gradients or variables.
Options may stand before or after the program; what follows `--`, or is not known here, belongs to the program.
The status is 0 if they agree, 1 if they part, 2 if they cannot be compared."""


class Peer(NamedTuple):
    """The library with which Penstock is compared: its name, the command that runs the recorder, further environment variables."""

    name: str
    command: list[str]
    environment: dict[str, str]


def main(arguments: Sequence[str]) -> int:
    """Runs a program on Penstock and on TensorFlow, and says where they part."""
    parsed, program = parse_with_program(_parser(), arguments)
    if program[0] != "-m" and not pathlib.Path(program[0]).exists():
        raise Refused(f"there is no file {program[0]!r} in {os.getcwd()}.")
    peer = _peer(python_of(parsed.tensorflow))
    own = Peer("Penstock", [sys.executable, "-m", "penstock", "run"], {})
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(parsed.out or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        options = {"steps": parsed.steps, "seed": parsed.seed, "layers": True}
        theirs = _record(peer, folder / "peer", program, options)
        ours = _record(own, folder / "penstock", program, options)
        if theirs.error or ours.error:
            return _failure(ours, theirs, peer.name)
        comparison = compare(ours.run.records, theirs.run.records)
        print("\n".join(_report(comparison, ours.run, theirs.run, peer)))
        if not comparison.differences:
            raise Refused(
                "the program gives nothing to compare: no Keras layer, gradient tape or optimizer was used."
            )
        if _verdict(comparison, parsed.tolerance, peer.name):
            return 1
        # Recording divides programs at every layer: once more, compiled as a whole.
        whole = _record(own, folder / "whole", program, {**options, "layers": False})
        if whole.error:
            return _failure(whole, theirs, peer.name)
        again = compare(whole.run.records, [r for r in theirs.run.records if r.kind != "layer"])
        if _verdict(again, parsed.tolerance, peer.name):
            print("Only where layers are compiled together: the layers by themselves agree.")
            return 1
    print(f"They agree within {parsed.tolerance:g}.")
    return 0


def _parser() -> Parser:
    usage = "penstock verify [--tensorflow PYTHON] [--steps N] [--tolerance X] [--seed N] [--out FOLDER] SCRIPT ... | -m MODULE ..."
    parser = Parser("penstock verify", DESCRIPTION, usage=usage)
    parser.add_argument(
        "--tensorflow",
        metavar="PYTHON",
        help="a Python or environment that has it; looked for by default",
    )
    parser.add_argument(
        "--steps", type=int, default=10, help="how many steps are compared (10); 0 for all"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-3,
        help="of float32 in the first step (0.001), growing with the steps; 20 times that for narrower floats",
    )
    parser.add_argument("--seed", type=int, default=0, help="of all generators (0)")
    parser.add_argument(
        "--out", metavar="FOLDER", help="keeps the records and what the programs print"
    )
    return parser


class Recorded(NamedTuple):
    """A run, and its last words if it failed."""

    run: Run
    error: str


def _peer(python: pathlib.Path | None) -> Peer:
    if python is not None:
        return Peer(
            "TensorFlow", [str(python)], {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        )
    command = [sys.executable, "-m", "penstock", "run"]
    return Peer("Penstock's interpreter", command, {"PENSTOCK_DEVICE": "reference"})


def _record(peer: Peer, path: pathlib.Path, program: Sequence[str], options: dict) -> Recorded:
    """Runs the program in a process that records it."""
    records, log = path.with_suffix(".records"), path.with_suffix(".log")
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", **peer.environment}
    options_text = json.dumps({**options, "out": str(records)})
    with Progress(f"running on {peer.name}"), log.open("wb") as output:
        done = subprocess.run(
            [*peer.command, str(RECORDER), options_text, *program],
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    error = ""
    if done.returncode:
        error = lines[-1] if lines else f"status {done.returncode}"
    run = read(records, options["steps"]) if records.exists() else Run([], {})
    return Recorded(run, error)


def _failure(ours: Recorded, theirs: Recorded, name: str) -> int:
    """Says where the program failed; that is a difference if it did on one side only."""
    for who, each in (("Penstock", ours), (name, theirs)):
        print(
            f"It {'fails' if each.error else 'runs'} on {who}{': ' + each.error if each.error else '.'}"
        )
    return 2 if theirs.error else 1


def _report(comparison: Comparison, ours: Run, theirs: Run, peer: Peer) -> Iterator[str]:
    versions = [
        f"{run.versions.get('tensorflow')}, Keras {run.versions.get('keras') or 'none'}"
        for run in (ours, theirs)
    ]
    yield f"Penstock (as TensorFlow {versions[0]}) beside {peer.name} ({versions[1]}): {' '.join(peer.command[:1])}"
    if ours.versions.get("keras") != theirs.versions.get("keras"):
        yield "The versions of Keras differ: so may what they compute."
    yield f"{'step':>5}" + "".join(
        f"{kind + 's' if kind != 'loss' else 'loss':>12}" for kind in KINDS
    )
    for step, row in sorted(comparison.worst().items()):
        cells = [f"{row[kind]:12.1e}" if kind in row else f"{'':12}" for kind in KINDS]
        yield f"{step:5}" + "".join(cells)
    for side, name in enumerate(("Penstock", peer.name)):
        only = [record for at, record in comparison.missing if at == side]
        if only:
            first = only[0]
            yield f"Only on {name}: {len(only)} records, the first of {first.kind} '{first.name}' in step {first.step}."


def _verdict(comparison: Comparison, tolerance: float, name: str) -> bool:
    """Prints where the runs part, if they do."""
    first = comparison.first_beyond(tolerance)
    if first is not None:
        size = "" if first.reason else f", {first.error:.1e} of the greatest"
        print(f"They part in step {first.theirs.step}: {first.describe(name)}{size}.")
    return first is not None
