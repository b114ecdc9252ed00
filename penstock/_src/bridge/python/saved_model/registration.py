"""`tensorflow.python.saved_model.registration`: names for classes, and functions that save objects in their own way."""

from penstock._src.saving import registered as registration
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
    "registration",
    "validate_restore_function",
]
