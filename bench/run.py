"""Times Keras models on Penstock beside TensorFlow, JAX and PyTorch, in interleaved rounds.

Each peer gets a virtual environment of its own below build/peers. Every measurement runs in a
process of its own, one backend after the other, so that a drift of the machine falls on all alike;
the best of the rounds counts. Writes build/bench.json.

Usage: run.py [--rounds 2] [--models mlp,...] [--peers tensorflow,jax,torch]
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
PEERS = {
    "tensorflow": ["tensorflow-cpu>=2.20"],
    "jax": ["jax", "keras>=3.12"],
    "torch": ["torch", "keras>=3.12"],
}
LOWER_IS_BETTER = ("import_s", "first_step_s", "memory_mb")


def python_of(peer):
    """Returns the interpreter of a peer's environment, made and filled if need be."""
    folder = BUILD / "peers" / peer
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[peer]], check=True)
        stamp.touch()
    return str(python)


def measure(python, backend, model, stand_in=()):
    """Returns the figures of one process, or None if it failed."""
    environment = dict(os.environ, KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3")
    environment["CUDA_VISIBLE_DEVICES"] = ""
    run = subprocess.run(
        [python, str(HERE / "measure.py"), model, *stand_in],
        env=environment,
        capture_output=True,
        text=True,
    )
    for line in run.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    print(f"{model} on {backend} failed: {run.stderr[-500:]}", file=sys.stderr)
    return None


def better(metric, a, b):
    """Returns the better of two figures."""
    if a is None or b is None:
        return a if b is None else b
    return min(a, b) if metric in LOWER_IS_BETTER else max(a, b)


def table(results):
    """Prints the figures, and Penstock's ratio to the best peer of each."""
    ratios = {}
    for model, row in results.items():
        for backend, figures in row.items():
            shown = "  ".join(f"{k} {v:10.2f}" for k, v in figures.items())
            print(f"{model:14s} {backend:10s} {shown}")
        for metric, ours in row.get("penstock", {}).items():
            peers = [f[metric] for b, f in row.items() if b != "penstock" and metric in f]
            if peers:
                best = min(peers) if metric in LOWER_IS_BETTER else max(peers)
                ratio = best / ours if metric in LOWER_IS_BETTER else ours / best
                ratios.setdefault(metric, []).append(ratio)
    for metric, values in ratios.items():
        mean = math.exp(sum(map(math.log, values)) / len(values))
        print(f"geometric mean of the ratio to the best peer, {metric}: {mean:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--models", default="mlp,convolutional,residual,recurrent,transformer")
    parser.add_argument("--peers", default=",".join(PEERS))
    arguments = parser.parse_args()
    backends = {"penstock": (sys.executable, "tensorflow", ("penstock",))}
    for peer in filter(None, arguments.peers.split(",")):
        backends[peer] = (python_of(peer), peer, ())
    results = {model: {b: {} for b in backends} for model in arguments.models.split(",")}
    for _ in range(arguments.rounds):
        for model, row in results.items():
            for name, (python, backend, stand_in) in backends.items():
                figures = measure(python, backend, model, stand_in) or {}
                for metric, value in figures.items():
                    row[name][metric] = better(metric, row[name].get(metric), value)
    table(results)
    BUILD.mkdir(exist_ok=True)
    partial = BUILD / "bench.json.part"
    partial.write_text(json.dumps(results, indent=1))
    partial.replace(BUILD / "bench.json")


if __name__ == "__main__":
    main()
