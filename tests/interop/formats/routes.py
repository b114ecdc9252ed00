"""Every model through every format and every target: `make interop WHICH=models`.

python -m tests.interop.formats.routes FOLDER [NAME]: FOLDER has the package @tensorflow/tfjs; NAME is that of a model, or "functions":
single functions as TFLite, by us and by ai-edge-litert.

Each result is held to Penstock's own values of the Keras model: the largest difference, as a part of the largest value. Test programs of
built models hold themselves to the values in them, and say only whether these agree.
"""

import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.keras.reading import traced
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, read
from tests.aot.emulated import MACHINES, run_test_program
from tests.aot.kit import built
from tests.interop.formats import tfjs
from tests.interop.formats.functions import FUNCTIONS
from tests.interop.formats.models import models

Result = tuple[
    str, np.ndarray | None
]  # who computed it, and what; None where it was held to that itself
EXACT, ROUNDED, COARSE = 1e-5, 2e-3, 0.05
# How far results may be from Penstock's, as a part of the greatest, by route.
BOUNDS = {"tflite float16": ROUNDED, "tflite dynamic": COARSE}


def read_again(path: str, x: np.ndarray) -> Result:
    """The first result of a file that Penstock reads."""
    (found,) = read(path).signatures["serving_default"](tf.constant(x)).values()
    return "read again", np.asarray(found)


def saved(model: Any, x: np.ndarray, folder: str) -> Iterator[Result]:
    model.export(f"{folder}/saved", verbose=False)
    yield read_again(f"{folder}/saved", x)


def keras(model: Any, x: np.ndarray, folder: str) -> Iterator[Result]:
    model.save(f"{folder}/model.keras")
    yield read_again(f"{folder}/model.keras", x)


def onnx(model: Any, x: np.ndarray, folder: str) -> Iterator[Result]:
    import onnxruntime

    path = f"{folder}/model.onnx"
    FORMATS["onnx"].write(of_function(traced(model), model), path)
    yield read_again(path, x)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    yield "ONNX Runtime", session.run(None, {session.get_inputs()[0].name: x})[0]


def tflite(kind: str) -> Callable[..., Iterator[Result]]:
    """The route of a file whose weights are stored in some way."""

    def route(model: Any, x: np.ndarray, folder: str) -> Iterator[Result]:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if kind:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
        yield "read again", _interpreted(tf.lite.Interpreter(model_content=content), x)
        with multiprocessing.get_context("fork").Pool(1) as other:
            yield "ai-edge-litert", other.apply(_litert, (content, x))

    return route


def _litert(content: bytes, x: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    return _interpreted(Interpreter(model_content=content), x)


def _interpreted(interpreter: Any, x: np.ndarray) -> np.ndarray:
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def javascript(peer: str) -> Callable[..., Iterator[Result]]:
    """The route through TensorFlow.js in node."""

    def route(model: Any, x: np.ndarray, folder: str) -> Iterator[Result]:
        path = f"{folder}/web"
        FORMATS["tfjs"].write(of_function(traced(model), model), path)
        yield read_again(path, x)
        found, problem = tfjs.run(peer, path, model.inputs[0].name, x)
        if found is None:
            raise RuntimeError(problem)
        yield "TensorFlow.js", found

    return route


def on_target(target: str) -> Callable[..., Iterator[Result]]:
    """The route of what is built for a target: its test program runs there."""

    def route(model: Any, x: np.ndarray, folder: str) -> Iterator[Result]:
        function = traced(model)
        samples = {model.inputs[0].name: x}
        built(Path(folder), function, target=target, batches=(len(x),), samples=samples)
        yield run_test_program(target, Path(folder)), None

    return route


def routes(peer: str) -> dict[str, Callable[..., Iterator[Result]]]:
    """What a model goes through, by name."""
    targets = {target: on_target(target) for target in [*MACHINES, "wasm32"]}
    lite = {f"tflite {kind}".rstrip(): tflite(kind) for kind in ("", "float16", "dynamic")}
    return {"saved_model": saved, "keras": keras, "onnx": onnx, **lite, "tfjs": javascript(peer), **targets}  # fmt: skip


def held(found: np.ndarray | None, expected: np.ndarray, bound: float) -> tuple[str, bool]:
    """What is said of a result, and whether it is near enough."""
    if found is None:
        return "", True
    gap = np.abs(found - expected).max() / np.abs(expected).max()
    return f"{gap:.1e}" if gap <= bound else f"{gap:.1e} WRONG", bool(gap <= bound)


def functions() -> int:
    """Runs single functions as TFLite; returns how many give other values."""
    draw, differing, refused = np.random.default_rng(1), 0, []
    with multiprocessing.get_context("fork").Pool(1) as other:
        for name, (function, shape) in FUNCTIONS.items():
            x = draw.normal(size=shape).astype("f")
            concrete = tf.function(function, autograph=False).get_concrete_function(
                tf.TensorSpec(shape, name="x")
            )
            expected = np.asarray(concrete(tf.constant(x)), np.float64)
            try:
                content = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
            except UnimplementedError:
                refused.append(name)
                continue
            ours = _interpreted(tf.lite.Interpreter(model_content=content), x)
            try:
                theirs = other.apply(_litert, (content, x))
            except RuntimeError as error:
                print(f"{name}: ai-edge-litert fails: {error}")
                theirs = ours
            for who, found in (("read again", ours), ("ai-edge-litert", theirs)):
                if not tfjs.is_near(found, expected):
                    differing += 1
                    print(f"{name}, {who}: {found} instead of {expected}")
    print(f"{len(FUNCTIONS)} functions, {differing} differ; refused: {', '.join(refused)}")
    return differing


def main(peer: str, only: str = "") -> int:
    shutil.copy(tfjs.PROGRAM, peer)
    wrong = 0
    for name, model, x in models(only):
        expected = np.asarray(model(x))
        for route, follow in routes(peer).items():
            with tempfile.TemporaryDirectory() as folder:
                try:
                    for who, found in follow(model, x, folder):
                        told, is_near = held(found, expected, BOUNDS.get(route, EXACT))
                        wrong += not is_near
                        print(f"{name:14} {route:15} {who:24} {told}", flush=True)
                except UnimplementedError as error:
                    print(f"{name:14} {route:15} refused: {str(error)[:100]}", flush=True)
    if only in ("", "functions"):
        wrong += functions()
    if wrong:
        print(f"{wrong} results are off by more than their bound.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
