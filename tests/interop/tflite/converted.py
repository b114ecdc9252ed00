"""Models that TensorFlow converts, run by ai-edge-litert and by us.

    python -m tests.interop.tflite.converted PYTHON

PYTHON is one with TensorFlow. Floats agree within 1e-5 of the largest value, quantized values with the reference kernels within a step of the
output.
"""

import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import penstock as tf


def compute(interpreter: Any) -> np.ndarray:
    """Returns the first output for random inputs."""
    interpreter.allocate_tensors()
    draw = np.random.default_rng(2)
    for detail in interpreter.get_input_details():
        if detail["dtype"] == np.float32:
            value = draw.normal(size=detail["shape"]).astype(np.float32)
        else:
            info = np.iinfo(detail["dtype"])
            value = draw.integers(info.min, info.max + 1, detail["shape"]).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _send(path: str, kind: OpResolverType, sender: Any) -> None:
    sender.send(compute(Interpreter(path, experimental_op_resolver_type=kind)))


def reference(path: str) -> tuple[np.ndarray | None, str]:
    """Returns the result of TFLite, in a process of its own: its reference kernels end some."""
    for kind in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=_send, args=(path, kind, sender)
        )
        process.start()
        sender.close()
        try:
            return receiver.recv(), kind.name
        except EOFError:
            continue
        finally:
            process.join()
    return None, "none"


def main() -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(__file__).with_name("converting.py")
        subprocess.run([sys.argv[1], str(script), folder], check=True, stderr=subprocess.DEVNULL)
        for path in sorted(Path(folder).glob("*.tflite")):
            expected, kind = reference(str(path))
            found = compute(tf.lite.Interpreter(str(path)))
            if expected is None:
                print(f"{path.stem}: TFLite does not run it")
                continue
            gap = np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()
            largest = np.abs(expected.astype(np.float64)).max()
            # MobileNet amplifies what rounding leaves: TFLite's own float kernels are as far apart.
            float_gap = 1e-3 if path.stem.startswith("mobilenet") else 1e-5
            allowed = 1 if found.dtype.kind in "iu" else float_gap * largest
            wrong += gap > allowed
            print(
                f"{path.stem}: {gap:.3g} apart of {largest:.3g} ({kind}){' WRONG' if gap > allowed else ''}"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
