"""The module of the taxi pipeline: TFX's example, trained from a seed."""

import tensorflow as tf
from tfx.examples.chicago_taxi_pipeline import taxi_utils_native_keras
from tfx.examples.chicago_taxi_pipeline.taxi_utils_native_keras import preprocessing_fn  # noqa: F401


def run_fn(fn_args):
    """Trains the example's model."""
    tf.keras.utils.set_random_seed(7)
    taxi_utils_native_keras.run_fn(fn_args)
