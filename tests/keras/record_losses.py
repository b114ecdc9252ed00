"""Writes losses.json: what TensorFlow itself computes for the models of zoo.py.

Run where TensorFlow and Keras are installed: python tests/keras/record_losses.py
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import zoo  # noqa: E402

recorded = {
    "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    "losses": {make.__name__: zoo.losses(keras, make) for make in zoo.KINDS},
}
(HERE / "losses.json").write_text(json.dumps(recorded, indent=1) + "\n")
