"""python -m tests.interop.serving PYTHON: PYTHON has TensorFlow and tensorflow-serving-api."""

import subprocess
import sys
import tempfile
from pathlib import Path

from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running

CLIENT = Path(__file__).with_name("client.py")


def main(python):
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([python, CLIENT, "write", root], check=True)
        names = "half", "resnet", "types"
        models = tuple(ModelConfig(name, f"{root}/{name}") for name in names)
        with running(Options(models, rest_port=0, grpc_port=0)) as server:
            ports = [str(server.grpc_port), str(server.rest_port)]
            subprocess.run([python, CLIENT, "call", root, *ports], check=True)
    print("The official client gets TensorFlow's results.")


if __name__ == "__main__":
    main(sys.argv[1])
