"""Runs one measurement in its own process, started by run.py; prints a line of JSON.

Usage: child.py SUITE CASE BACKEND
"""

import importlib
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers

KERAS_BACKENDS = {**dict.fromkeys([*peers.OURS, "onnx"], "tensorflow"), **peers.SAME}


def main():
    suite, case, backend = sys.argv[1:]
    module = importlib.import_module(f"suites.{suite}")
    if hasattr(module, "prepare"):
        module.prepare(case)
    os.environ["KERAS_BACKEND"] = KERAS_BACKENDS.get(backend, backend)
    if backend in peers.OURS:
        import penstock

        penstock.install_as_tensorflow()
    print("RESULT " + json.dumps(module.measure(case, backend)))


if __name__ == "__main__":
    main()
