"""The module that replaces one that was moved: `tensorflow.python.util.deprecated_module_new`."""


def a() -> int:
    """Returns 1, as TensorFlow's example of a moved function does."""
    return 1
