"""A switch that TensorFlow's tests of the input pipeline turn."""

from penstock._src.data.options import Testing


def toggle_test_mode(test_mode: bool) -> None:
    """Sets whether pipelines start their threads early by default."""
    Testing.is_on = test_mode
