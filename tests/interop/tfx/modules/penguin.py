"""The module of the penguin pipeline: TFX's example, trained from a seed."""

import tensorflow as tf
from tfx.examples.penguin import penguin_utils_keras
from tfx.examples.penguin.penguin_utils_keras import preprocessing_fn, tuner_fn  # noqa: F401


def run_fn(fn_args):
    """Trains the example's model."""
    tf.keras.utils.set_random_seed(7)
    penguin_utils_keras.run_fn(fn_args)
