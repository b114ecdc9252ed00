"""`tensorflow.python.saved_model.registration`: names for classes, and functions that save objects in their own way."""

import sys
from typing import Any

from penstock._src.saving.registered import CLASSES as _class_registry
from penstock._src.saving.registered import SAVERS as _saver_registry
from penstock._src.saving.registered import (
    get_registered_class,
    get_registered_class_name,
    get_registered_saver_name,
    get_restore_function,
    get_save_function,
    get_strict_predicate_restore,
    register_checkpoint_saver,
    register_serializable,
    validate_restore_function,
)

registration = sys.modules[__name__]  # TensorFlow's is a package with a module of that name

__all__ = [
    "_class_registry",
    "_saver_registry",
    "get_registered_class",
    "get_registered_class_name",
    "get_registered_saver_name",
    "get_restore_function",
    "get_save_function",
    "get_strict_predicate_restore",
    "register_checkpoint_saver",
    "register_serializable",
    "register_tf_checkpoint_saver",
    "register_tf_serializable",
    "registration",
    "validate_restore_function",
]


def register_tf_serializable(name: str | None = None, predicate: Any = None) -> Any:
    """Returns a decorator that registers a class under "tf.<name>"."""
    return register_serializable(package="tf", name=name, predicate=predicate)


def register_tf_checkpoint_saver(
    name: str | None = None,
    predicate: Any = None,
    save_fn: Any = None,
    restore_fn: Any = None,
    strict_predicate_restore: bool = True,
) -> None:
    """Registers functions that save and restore objects under "tf.<name>"."""
    register_checkpoint_saver("tf", name, predicate, save_fn, restore_fn, strict_predicate_restore)
