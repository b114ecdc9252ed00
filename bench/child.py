"""Runs one measurement in its own process, started by run.py; prints a line of JSON.

Usage: child.py SUITE CASE BACKEND
"""

import importlib
import json
import os
import pathlib
import resource
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers

KERAS_BACKENDS = {**dict.fromkeys([*peers.OURS, "onnx"], "tensorflow"), **peers.SAME}


def peak_memory_mb():
    """Returns the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    suite, case, backend = sys.argv[1:]
    module = importlib.import_module(f"suites.{suite}")
    if hasattr(module, "prepare"):
        module.prepare(case)
    os.environ["KERAS_BACKEND"] = KERAS_BACKENDS.get(backend, backend)
    if backend in peers.OURS:
        import penstock

        penstock.install_as_tensorflow()
    figures = module.measure(case, backend)
    if "memory_mb" in module.LOWER:
        figures["memory_mb"] = peak_memory_mb()
    print("RESULT " + json.dumps(figures))


if __name__ == "__main__":
    main()
