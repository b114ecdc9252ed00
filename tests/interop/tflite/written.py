"""Models that we write, run by ai-edge-litert's reference kernels and by us.

    python -m tests.interop.tflite.written

Integers agree to the bit, floats within 1e-5 of the largest value.
"""

import multiprocessing
import sys
from typing import Any

import numpy as np

import penstock as tf

KINDS = ("float", "float16", "dynamic", "int8", "int16x8")


def digits() -> Any:
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.SeparableConv2D(16, 3, strides=2, padding="same", activation="relu6"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(32, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def encoder() -> Any:
    layers = tf.keras.layers
    words = layers.Input((10, 16))
    mixed = layers.MultiHeadAttention(2, 8)(words, words)
    mixed = layers.LayerNormalization()(mixed + words)
    mixed = mixed + layers.Dense(16)(layers.Dense(64, activation="gelu")(mixed))
    return tf.keras.Model(words, layers.Dense(4)(mixed[:, 0]))


def converted(model: Any, kind: str) -> bytes:
    """Returns the file of a model."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    shape = [extent or 1 for extent in model.inputs[0].shape]
    draw = np.random.default_rng(5)
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind.startswith("int"):
        converter.representative_dataset = lambda: (
            [draw.normal(size=shape).astype(np.float32)] for _ in range(16)
        )
    if kind == "int16x8":
        sixteen = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [sixteen, tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter.convert()


def compute(interpreter: Any) -> np.ndarray:
    """Returns the first output for random inputs."""
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    draw = np.random.default_rng(2)
    interpreter.set_tensor(detail["index"], draw.normal(size=detail["shape"]).astype(np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _send(model: bytes, sender: Any) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kind = OpResolverType.BUILTIN_REF
    sender.send(compute(Interpreter(model_content=model, experimental_op_resolver_type=kind)))


def reference(model: bytes) -> np.ndarray | None:
    """Returns TFLite's result, None if its process ends without one."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_send, args=(model, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return None
    finally:
        process.join()


def main() -> int:
    wrong = 0
    for name, make in {"digits": digits, "encoder": encoder}.items():
        model = make()
        for kind in KINDS:
            content = converted(model, kind)
            expected = reference(content)
            found = compute(tf.lite.Interpreter(model_content=content))
            gap = np.inf if expected is None else float(np.abs(found - expected).max())
            allowed = 0.0 if kind.startswith("int") else 1e-5 * float(np.abs(found).max())
            wrong += gap > allowed
            print(f"{name}-{kind}: {gap:.3g} apart{' WRONG' if gap > allowed else ''}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
