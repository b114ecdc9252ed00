"""python -m tests.interop.tfx UV [STAGE...]: prints what differs between TFX on Penstock and on TensorFlow, then `N passed, N failed`."""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.interop.tfx import engine, environments

STAGES = ("penguin", "taxi", "components", "kubeflow")
# Float32 sums are in another order; a model's numbers after 100 steps of training, too.
TOLERANCES = {"metrics": 1e-3, "predictions": 1e-3}
TOLERANCE = 1e-5
LIMIT = 900  # seconds that one stage may take


def main(uv: str, *chosen: str) -> bool:
    """Runs stages on both; returns True if nothing differs."""
    pythons = environments.make(uv)
    outcomes: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as root, engine.running(pythons["penstock"]) as daemon:
        for stage in chosen or STAGES:
            # Components continue from what the penguin pipeline wrote on TensorFlow.
            needed = (
                [stage]
                if stage != "components" or "penguin" in (chosen or STAGES)
                else ["penguin", stage]
            )
            for each in needed:
                others = [f"{root}/tensorflow/penguin", daemon] if each == "components" else []
                found = {
                    name: run(python, each, f"{root}/{name}/{each}", others)
                    for name, python in pythons.items()
                }
                outcomes |= compared(each, found["penstock"], found["tensorflow"])
            if stage == "components":
                outcomes["components: the pushed model behind penstock serve"] = served(
                    pythons["penstock"], Path(root)
                )
    for name, differences in outcomes.items():
        print(f"{'differs' if differences else 'equal'}  {name}", *differences[:5], sep="\n    ")
    failed = sum(map(bool, outcomes.values()))
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return not failed


def run(python: Path, stage: str, folder: str, others: list[str]) -> dict[str, Any]:
    """Runs a stage in an environment; returns the values of its artifacts."""
    # Without oneDNN: its sums are in another order.
    quiet = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "PYTHONPATH": str(environments.ROOT),
    }
    module = ["-m", "tests.interop.tfx.stages"]
    if stage == "components":
        # TFX's interactive context wants IPython. On TensorFlow, BulkInferrer fails with models of Keras 3.
        module, quiet["TF_USE_LEGACY_KERAS"] = ["-m", "IPython", "--quick", *module, "--"], "1"
    done = subprocess.run(
        [python, *module, stage, folder, *others],
        env={**os.environ, **quiet}, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    values = Path(folder) / "values.json"
    return (
        json.loads(values.read_text())
        if values.exists()
        else {"failed": (done.stderr or done.stdout)[-3000:]}
    )


def compared(stage: str, ours: dict[str, Any], expected: dict[str, Any]) -> dict[str, list[str]]:
    """Returns what differs in each artifact."""
    return {
        f"{stage}: {name}": list(
            differences(ours.get(name), expected.get(name), TOLERANCES.get(name, TOLERANCE))
        )
        for name in {**expected, **ours}
    }


def differences(ours: Any, expected: Any, tolerance: float, path: str = "") -> Iterator[str]:
    """Yields the paths at which two values of JSON differ."""
    if isinstance(ours, dict) and isinstance(expected, dict):
        for key in {**expected, **ours}:
            yield from differences(ours.get(key), expected.get(key), tolerance, f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(expected, list) and len(ours) == len(expected):
        for index, pair in enumerate(zip(ours, expected, strict=True)):
            yield from differences(*pair, tolerance, f"{path}/{index}")
    elif isinstance(ours, int | float) and isinstance(expected, int | float):
        if not math.isclose(ours, expected, rel_tol=tolerance, abs_tol=tolerance):
            yield f"{path}: {ours} where TensorFlow has {expected}"
    elif ours != expected:
        yield f"{path}: {str(ours)[:300]} where TensorFlow has {str(expected)[:300]}"


def served(python: Path, root: Path) -> list[str]:
    """Returns how answers of `penstock serve` to the model that TensorFlow pushed differ from BulkInferrer's predictions."""
    folder = root / "tensorflow" / "components"
    predictions = json.loads((folder / "values.json").read_text())["predictions"]
    port = str(engine.free_port())
    server = engine.serve(python, folder / "serving", "penguin", port)
    try:
        client = [python, Path(__file__).with_name("client.py"), port, folder / "values.json"]
        answers = json.loads(
            subprocess.run(client, check=True, capture_output=True, text=True, timeout=120).stdout
        )
    finally:
        server.terminate()
        server.wait()
    return list(differences(answers, predictions, TOLERANCE))


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
