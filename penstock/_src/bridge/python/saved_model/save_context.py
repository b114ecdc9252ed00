"""`tensorflow.python.saved_model.save_context`: whether a SavedModel is being written."""

from penstock._src.saving.saved_model.context import (
    get_save_options,
    in_save_context,
    save_context,
)

__all__ = ["get_save_options", "in_save_context", "save_context"]
