"""python -m tests.interop.open_inference PYTHON: PYTHON has tritonclient, which speaks the Open Inference Protocol."""

import subprocess
import sys
import tempfile
from pathlib import Path

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running

CLIENT = Path(__file__).with_name("client.py")
NUMBERS = (tf.float32, tf.float64, tf.float16, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.bool)  # fmt: skip


class Same(tf.Module):
    """Returns what it gets, of every type that the protocol has."""

    @tf.function(
        input_signature=[
            *(tf.TensorSpec([None, 3], dtype, name=dtype.name) for dtype in NUMBERS),
            tf.TensorSpec([None, 3], tf.string, name="string"),
        ]
    )
    def __call__(self, *tensors):
        names = [dtype.name for dtype in NUMBERS]
        return dict(zip([*names, "string"], map(tf.identity, tensors), strict=True))


def main(python):
    with tempfile.TemporaryDirectory() as root:
        tf.saved_model.save(Same(), f"{root}/same/5")
        models = (ModelConfig("same", f"{root}/same"),)
        with running(Options(models, rest_port=0, grpc_port=0)) as server:
            ports = [str(server.rest_port), str(server.grpc_port)]
            subprocess.run([python, CLIENT, *ports], check=True)
    print("Triton's client gets what it sends.")


if __name__ == "__main__":
    main(sys.argv[1])
