"""Models written for TensorFlow.js, run by it in node, and read again: `make interop-tfjs`.

python -m tests.interop.formats.tfjs FOLDER [MODEL]: FOLDER has the package @tensorflow/tfjs.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import penstock as tf
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.keras.reading import traced
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, read
from tests.interop.formats.models import models

PROGRAM = Path(__file__).with_name("tfjs.mjs")
# How far results may be from Penstock's, as a part of the greatest, by how weights are stored.
BOUNDS = {"": 5e-6, "float16": 2e-3, "uint16": 2e-3, "uint8": 0.05}


def main(peer, only=""):
    shutil.copy(PROGRAM, peer)
    differing = 0
    for name, model, x in models(only):
        expected = np.asarray(model(x))
        for kind, quantize in [
            ("tfjs", ""),
            ("tfjs-layers", ""),
            ("tfjs", "float16"),
            ("tfjs", "uint16"),
            ("tfjs", "uint8"),
        ]:
            with tempfile.TemporaryDirectory() as folder:
                told, is_near = compared(peer, model, x, expected, folder, kind, quantize)
            differing += not is_near
            print(f"{name:14} {kind:12} {quantize:8} {told}", flush=True)
    if differing:
        sys.exit(f"{differing} results differ by more than their bound.")


def compared(peer, model, x, expected, folder, kind, quantize):
    """Returns a line about the results of a written model, and whether they are near enough."""
    path = f"{folder}/model"
    options = {"quantize": quantize} if quantize else {}
    try:
        FORMATS[kind].write(of_function(traced(model), model), path, **options)
    except UnimplementedError as error:
        return f"refused: {str(error)[:90]}", True
    (ours,) = read(path).signatures["serving_default"](tf.constant(x)).values()
    given = {
        "name": model.inputs[0].name,
        "shape": x.shape,
        "dtype": str(x.dtype),
        "data": x.ravel().tolist(),
    }
    Path(f"{folder}/input.json").write_text(json.dumps(given))
    command = ["node", Path(PROGRAM.name), path, f"{folder}/input.json"]
    done = subprocess.run(command, cwd=peer, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"TensorFlow.js fails: {done.stderr[-600:]}", False
    reply = json.loads(done.stdout.splitlines()[-1])
    theirs = np.float32(reply["data"]).reshape(reply["shape"])
    scale = np.abs(expected).max()
    far = [np.abs(np.asarray(each) - expected).max() / scale for each in (ours, theirs)]
    told = f"read again {far[0]:.1e}, TensorFlow.js {far[1]:.1e}"
    return told, max(far) <= BOUNDS[quantize]


if __name__ == "__main__":
    main(*sys.argv[1:])
