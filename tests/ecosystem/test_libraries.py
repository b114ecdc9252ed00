"""Libraries written for TensorFlow run on Penstock: their examples, where the libraries are installed."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "libraries"
# The libraries of each example, and the bounds of the last number that it prints.
RUNS = {
    "gaussian_process": ("tensorflow_probability tf_keras opt_einsum", 0.0, 0.15),
    "gpflow_regression": ("gpflow tensorflow_probability tf_keras opt_einsum scipy", 0.0, 0.2),
    "hamiltonian_monte_carlo": ("tensorflow_probability tf_keras opt_einsum", 0.5, 1.0),
    "jax_layer": ("jax", 0.0, 0.1),
    "quantization_aware": ("tensorflow_model_optimization tf_keras sklearn", 0.85, 1.0),
    "sonnet_resnet": ("sonnet", 0.8, 1.0),
}


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_example(name, tmp_path):
    libraries, low, high = RUNS[name]
    missing = [lib for lib in libraries.split() if importlib.util.find_spec(lib) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "run", EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    last = re.findall(r"-?\d+\.?\d*", done.stdout.strip().splitlines()[-1])[-1]
    assert low <= float(last) <= high, done.stdout
