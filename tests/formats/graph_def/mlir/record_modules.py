"""Writes modules.json: the MLIR modules that TensorFlow makes of functions.py, as they are imported and after its standard pipeline.

python tests/formats/graph_def/mlir/record_modules.py
"""

import json
import pathlib

import tensorflow as tf
from functions import concrete_functions


def main():
    modules = {
        name: {p: tf.mlir.experimental.convert_function(f, p) for p in ("", "tf-standard-pipeline")}
        for name, f in concrete_functions(tf).items()
    }
    path = pathlib.Path(__file__).with_name("modules.json")
    path.write_text(json.dumps(modules, indent=1) + "\n")


if __name__ == "__main__":
    main()
