"""The names of files."""

from typing import Any

from penstock._src.bridge.python.data.ops.dataset_ops import DatasetSource
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec


class MatchingFilesDataset(DatasetSource):
    """The names of the files that match glob patterns."""

    element_spec = TensorSpec([], dtypes.string)

    def __init__(self, patterns: Any) -> None:
        super().__init__(
            raw.MatchingFilesDataset(patterns=convert_to_tensor(patterns, dtypes.string))
        )
