"""Files that belong to a SavedModel."""

import os
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.context import init_scope
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("saved_model.Asset", v1=["saved_model.Asset"])
class Asset(AutoTrackable):
    """A file that a program reads, copied into its SavedModel.

    Args:
      path: a str, a path object, a string scalar or another Asset.

    >>> tf.io.write_file("words.txt", "one two")
    >>> module = tf.Module()
    >>> module.vocabulary = tf.saved_model.Asset("words.txt")
    """

    def __init__(self, path: Any) -> None:
        super().__init__()
        self._setattr_tracking = False
        with init_scope():
            is_path = isinstance(path, (str, bytes, os.PathLike))
            text = os.fsdecode(path) if is_path else path  # a tensor, or another Asset
            self._path = convert_to_tensor(text, dtype=dtypes.string, name="asset_path")
        self._setattr_tracking = True

    asset_path = read_only("_path", "The path as a string tensor.")

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        """The path as a string tensor, for ops that take a string."""
        return convert_to_tensor(self._path, dtype=dtype, name=name)
