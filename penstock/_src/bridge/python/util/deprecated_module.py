"""A module that was moved, and warns once of each name that is used: `tensorflow.python.util.deprecated_module`."""

from . import deprecated_module_new, deprecation

__getattr__ = deprecation.deprecate_moved_module(
    "tensorflow.python.util.deprecated_module", deprecated_module_new, "2.9"
)
