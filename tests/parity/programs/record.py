"""Makes ../programs.json.gz: what the programs give on TensorFlow.

    python -m tests.parity.programs.record [NAME ...]     where TensorFlow 2.21 is installed

With names (of modules, or module.function) only these are made anew.
"""

import gzip
import json
import pathlib
import sys
import tempfile
from typing import Any

import numpy as np

from tests.parity.programs import parts, programs

TARGET = pathlib.Path(__file__).parent.parent / "programs.json.gz"


def encode(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON; text by its bytes, complex numbers by their parts."""
    dtype = array.dtype.name
    if array.dtype.kind in "OSU":
        flat = [v if isinstance(v, bytes) else str(v).encode() for v in array.ravel().tolist()]
        return {"dtype": "bytes", "shape": array.shape, "values": [v.hex() for v in flat]}
    if array.dtype.kind == "c":
        pairs = np.stack([array.real, array.imag], -1)
        return {
            "dtype": dtype,
            "shape": array.shape,
            "values": pairs.astype(float).ravel().tolist(),
        }
    if array.dtype.kind in "iub":
        return {"dtype": dtype, "shape": array.shape, "values": array.ravel().tolist()}
    return {"dtype": dtype, "shape": array.shape, "values": array.astype(float).ravel().tolist()}


def main(names: list[str]) -> None:
    """Runs the programs on TensorFlow and writes the file."""
    import tensorflow as tf

    kept = json.loads(gzip.decompress(TARGET.read_bytes())) if TARGET.exists() else {}
    found = programs()
    kept = {name: value for name, value in kept.items() if name in found}
    for name, program in found.items():
        if names and name not in names and name.partition(".")[0] not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            made = program(tf, pathlib.Path(folder))
        kept[name] = [encode(part) for part in parts(made)]
    TARGET.write_bytes(gzip.compress(json.dumps(kept, sort_keys=True).encode(), mtime=0))
    print(len(kept), "programs")


if __name__ == "__main__":
    main(sys.argv[1:])
