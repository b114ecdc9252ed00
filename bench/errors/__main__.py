"""Measures the errors of every function and writes docs/accuracy_of_functions.md.

Usage: python -m bench.errors [--only NAME,...] [--dtypes float32,float64] [--tensorflow PYTHON] [--torch PYTHON] [--page]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from bench.errors import report
from bench.errors.drawing import DTYPES, arguments
from bench.errors.functions import FUNCTIONS, exact
from bench.errors.measuring import error

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def stored(array):
    """An array as a file holds it."""
    return array.view(np.int16) if array.dtype == DTYPES["bfloat16"] else array


def computed(library, python, cases, folder):
    """Returns {case: results} of a library."""
    source, target = folder / f"{library}.in.npz", folder / f"{library}.out.npz"
    torch = {f.tensorflow: f.torch for f in FUNCTIONS}
    named = {}
    for (function, dtype), columns in cases.items():
        path = torch[function.tensorflow] if library == "torch" else function.tensorflow
        for position, column in enumerate(columns if path else ()):
            named[f"{path} {dtype} {position}"] = stored(column)
    np.savez(source, **named)
    command = [python, str(ROOT / "bench" / "errors" / "child.py"), library, source, target]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env={**os.environ, **quiet}, check=True)
    results = np.load(target)
    found = {}
    for function, dtype in cases:
        path = function.torch if library == "torch" else function.tensorflow
        if (name := f"{path} {dtype}") in results.files:
            array = results[name]
            found[function, dtype] = array.view(DTYPES[dtype]) if dtype == "bfloat16" else array
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--dtypes", default=",".join(DTYPES))
    parser.add_argument("--tensorflow")
    parser.add_argument("--torch")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    chosen = [f for f in FUNCTIONS if not options.only or f.name in options.only.split(",")]
    dtypes = options.dtypes.split(",")
    cases = {(f, dtype): arguments(f, dtype) for f in chosen for dtype in dtypes}
    pythons = {"penstock": sys.executable, "penstock compiled": sys.executable}
    pythons |= {n: p for n in ("tensorflow", "torch") if (p := getattr(options, n))}
    errors = {}
    with tempfile.TemporaryDirectory() as folder:
        results = {
            name: computed(name, python, cases, pathlib.Path(folder))
            for name, python in pythons.items()
        }
    for (function, dtype), columns in cases.items():
        want = exact(function, [column.astype(np.float64) for column in columns])
        for name, found in results.items():
            if (function, dtype) in found:
                measured = error(found[function, dtype], want, columns, dtype)
                errors[function.name, dtype, name] = measured
        print(report.line(function.name, dtype, list(pythons), errors), flush=True)
    if options.page:
        report.write(ROOT / "docs" / "accuracy_of_functions.md", chosen, dtypes, pythons, errors)


if __name__ == "__main__":
    main()
