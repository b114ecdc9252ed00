"""Records anew what TensorFlow gives, for tests and tables: what a new version of TensorFlow asks for first.

    python tools/record.py TENSORFLOW_PYTHON            every recorder, an hour and more
    python tools/record.py TENSORFLOW_PYTHON ops edges  some of them
    python tools/record.py --list                       their names, and what each writes

TENSORFLOW_PYTHON is an interpreter that has TensorFlow; this one needs Penstock and the tests' libraries. A recorder that fails is named at the
end, and the others run nevertheless. What changed is seen by `git diff --stat`; docs/adding.md says what comes next.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = "build/record"  # what one interpreter hands the other
NAMES = "penstock/_src/bridge/names"


@dataclass(frozen=True)
class Recorder:
    """The commands that write recorded files, in their order.

    writes   the files that it writes, relative to the repository
    steps    command lines: "{tensorflow}" and "{penstock}" are the two interpreters; "> file" at the end keeps the output
    """

    writes: tuple[str, ...]
    steps: tuple[str, ...]


RECORDERS = {
    "ops": Recorder(
        tuple(f"tests/parity/{name}" for name in ("op_defs.json.gz", "raw_ops.txt", "hidden_ops.txt", "gradients.txt")),
        ("{tensorflow} tests/parity/record_op_tables.py",),
    ),
    "private names": Recorder(
        tuple(f"{NAMES}/private_{table}" for table in ("paths.txt", "imports.txt", "names.txt.gz")),
        (f"{{tensorflow}} tools/gen_private_paths.py {NAMES}",),
    ),
    "identities": Recorder(
        (f"{NAMES}/identities.txt",),
        (
            f"{{tensorflow}} tools/gen_identities.py classes > {BUILD}/classes.txt",
            f"{{penstock}} tools/gen_identities.py table {BUILD}/classes.txt > {NAMES}/identities.txt",
        ),
    ),
    "charsets": Recorder(
        ("penstock/_src/ops/strings/charsets.txt",),
        ("{tensorflow} tools/gen_charsets.py > penstock/_src/ops/strings/charsets.txt",),
    ),
    "completions": Recorder(
        ("tests/editor/completions.json",),
        ("{penstock} tools/record_completions.py {tensorflow}",),
    ),
    "graphs": Recorder(
        ("tests/graph/recorded/nodes.json.gz",), ("{tensorflow} tools/compare_graphs.py record",)
    ),
    "control flow": Recorder(
        ("tests/graph/recorded/v1_control_flow.pb",),
        ("{tensorflow} tests/graph/recorded/record_v1_control_flow.py",),
    ),
    "calls": Recorder(
        ("tests/conformance/recorded.npz", "tests/conformance/recorded_second.npz"),
        (
            f"{{penstock}} -m tests.conformance.record draw {BUILD}/cases.npz",
            f"{{tensorflow}} -m tests.conformance.record compute {BUILD}/cases.npz",
            "{tensorflow} -m tests.conformance.record second tests/conformance/recorded.npz",
        ),
    ),
    "MLIR modules": Recorder(
        ("tests/formats/graph_def/mlir/modules.json",),
        ("{tensorflow} tests/formats/graph_def/mlir/record_modules.py",),
    ),
    "quantized models": Recorder(
        ("tests/formats/saved_model/quantized/models.npz",),
        ("{tensorflow} tests/formats/saved_model/quantized/record_models.py",),
    ),
    "random programs": Recorder(
        ("tests/conformance/recorded_programs.npz",),
        ("{tensorflow} -m tests.conformance.record programs 60",),
    ),
    "edges": Recorder(
        ("tests/conformance/edges/recorded.npz",), ("{tensorflow} -m tests.conformance.edges.record",)
    ),
    "refusals": Recorder(
        ("tests/conformance/refusals/recorded.npz",),
        (
            f"{{tensorflow}} -m tests.conformance.refusals.answers tensorflow {BUILD}/answers.pkl",
            f"{{penstock}} -m tests.conformance.refusals.record {BUILD}/answers.pkl",
        ),
    ),
    "built": Recorder(
        ("tests/conformance/refusals/graphs/recorded.json.gz",),
        (
            f"{{tensorflow}} -m tests.conformance.refusals.graphs.draw tensorflow {BUILD}/built.jsonl",
            f"{{penstock}} -m tests.conformance.refusals.graphs.record {BUILD}/built.jsonl",
        ),
    ),
    "programs": Recorder(
        ("tests/parity/programs.json.gz",), ("{tensorflow} -m tests.parity.programs.record",)
    ),
    "losses": Recorder(
        ("tests/keras/losses.json",), ("{tensorflow} tests/keras/record_losses.py",)
    ),
    "models": Recorder(
        ("tests/fuzz/models/recorded.json",), ("{penstock} -m tests.fuzz.models.record 30",)
    ),
    "operations": Recorder(
        ("tests/observe/recordings/recorded/tensorflow",),
        ("{tensorflow} tests/observe/recordings/recorded/record.py",),
    ),
    "tutorials": Recorder(
        ("tests/tutorials/expected",), ("{penstock} -m tests.tutorials.record {tensorflow}",)
    ),
}  # fmt: skip


def run(step: str, tensorflow: str) -> int:
    """Run one command line of a recorder; return its exit status."""
    command, _, output = step.format(tensorflow=tensorflow, penstock=sys.executable).partition(
        " > "
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TENSORFLOW_PYTHON": tensorflow}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    print(f"  {step}", flush=True)
    if not output:
        return subprocess.run(shlex.split(command), cwd=ROOT, env=environment).returncode
    ran = subprocess.run(shlex.split(command), cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    if not ran.returncode:
        (ROOT / output).write_bytes(ran.stdout)
    return ran.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description="Records anew what TensorFlow gives.")
    parser.add_argument("tensorflow", nargs="?", help="an interpreter that has TensorFlow")
    parser.add_argument("names", nargs="*", help="recorders; all, if none is named")
    parser.add_argument("--list", action="store_true", help="print the recorders")
    asked = parser.parse_args()
    if asked.list:
        for name, recorder in RECORDERS.items():
            print(f"{name:<16} {' '.join(recorder.writes)}")
        return 0
    if asked.tensorflow is None:
        parser.error("an interpreter that has TensorFlow is needed: make record TENSORFLOW=python")
    unknown = [name for name in asked.names if name not in RECORDERS]
    if unknown:
        parser.error(f"no recorder {unknown[0]!r}; there are: {', '.join(RECORDERS)}")
    (ROOT / BUILD).mkdir(parents=True, exist_ok=True)
    failed = []
    for name in asked.names or RECORDERS:
        print(name, flush=True)
        start = time.monotonic()
        if any(run(step, asked.tensorflow) for step in RECORDERS[name].steps):
            failed.append(name)
        print(f"  {time.monotonic() - start:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
