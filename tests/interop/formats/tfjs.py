"""Models written for TensorFlow.js, run by it in node, and read again: `make interop WHICH=tfjs`.

python -m tests.interop.formats.tfjs FOLDER [NAME]: FOLDER has the package @tensorflow/tfjs; NAME is that of a model, or "functions".
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
from tests.interop.formats.functions import FUNCTIONS
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
    if only in ("", "functions"):
        differing += functions(peer)
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
    theirs, problem = run(peer, path, model.inputs[0].name, x)
    if theirs is None:
        return f"TensorFlow.js fails: {problem}", False
    scale = np.abs(expected).max()
    far = [np.abs(np.asarray(each) - expected).max() / scale for each in (ours, theirs)]
    told = f"read again {far[0]:.1e}, TensorFlow.js {far[1]:.1e}"
    return told, max(far) <= BOUNDS[quantize]


def run(peer, path, name, x):
    """Returns the first result of a written model in node, or None and why there is none."""
    given = {"name": name, "shape": x.shape, "dtype": str(x.dtype), "data": x.ravel().tolist()}
    place = Path(path).with_suffix(".input.json")
    place.write_text(json.dumps(given))
    command = ["node", PROGRAM.name, path, place]
    done = subprocess.run(command, cwd=peer, capture_output=True, text=True, check=False)
    if done.returncode:
        return None, done.stderr[-600:]
    reply = json.loads(done.stdout.splitlines()[-1])
    return np.array(reply["data"], np.float64).reshape(reply["shape"]), ""


def functions(peer):
    """Runs single functions; returns how many give other values, in node or read again."""
    draw, differing, refused = np.random.default_rng(1), 0, []
    for name, (function, shape) in FUNCTIONS.items():
        x = draw.normal(size=shape).astype("f")
        concrete = tf.function(function, autograph=False).get_concrete_function(
            tf.TensorSpec(shape, name="x")
        )
        expected = np.asarray(concrete(tf.constant(x)), np.float64)
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model"
            try:
                FORMATS["tfjs"].write(of_function(concrete), path)
            except UnimplementedError:
                refused.append(name)
                continue
            (ours,) = read(path).signatures["serving_default"](tf.constant(x)).values()
            theirs, problem = run(peer, path, "x", x)
        for who, found in (("read again", np.asarray(ours)), ("TensorFlow.js", theirs)):
            if found is None or not is_near(found, expected):
                differing += 1
                print(f"{name}, {who}: {problem or found} instead of {expected}")
    print(f"{len(FUNCTIONS)} functions, {differing} differ; refused: {', '.join(refused)}")
    return differing


def is_near(found, expected):
    """Whether values are equal within rounding; JSON has neither infinities nor NaN, so one is as good as another."""
    finite = [np.where(np.isfinite(v := np.float64(each)), v, np.nan) for each in (found, expected)]
    return found.shape == expected.shape and np.allclose(*finite, 1e-4, 1e-5, equal_nan=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
