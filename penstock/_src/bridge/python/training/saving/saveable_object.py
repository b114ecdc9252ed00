"""`tensorflow.python.training.saving.saveable_object`: the saved state of an object."""

from penstock._src.v1.saving.saveables import SaveableObject, SaveSpec

__all__ = ["SaveSpec", "SaveableObject"]
