"""Variables that devices share: `tensorflow.python.distribute.shared_variable_creator`."""

from penstock._src.distribute.mirrored.shared_variables import (
    canonical_name as _canonicalize_variable_name,
)
from penstock._src.distribute.mirrored.shared_variables import shared_variable_creator as make_fn

__all__ = ["_canonicalize_variable_name", "make_fn"]
