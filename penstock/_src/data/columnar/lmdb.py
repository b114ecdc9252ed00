"""Datasets over LMDB databases."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.data.columnar.columns import file_names
from penstock._src.data.dataset import Dataset
from penstock._src.data.generator import from_host
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data.readers import lmdb_blocks
from penstock._src.ops.data.readers.files import names_of
from penstock._src.util.export import export

_TEXT = TensorSpec([], dtypes.string)


@export("data.experimental.LMDBDataset", v1=[])
class LMDBDataset(Dataset):
    """The pairs (key, value) of LMDB databases, in the order of their keys.

    It needs the package lmdb: `pip install 'penstock-tensors[lmdb]'`. Keys and values are strings; `tf.io.decode_jpeg` or
    `tf.io.parse_example` in a `map` say what values hold. A database is read as it is when the iteration begins.

    Args:
      filenames: the path or paths of databases: folders, or files of those without one.

    Raises:
      ImportError: lmdb is not installed.
      NotFoundError: nothing is at a path.
      DataLossError: the files are not a database, or damaged.
      FailedPreconditionError: the process has the database open by other means.
    """

    def __init__(self, filenames: Any) -> None:
        lmdb_blocks.lmdb()

        def made(paths: np.ndarray) -> Pipeline:
            pairs = lmdb_blocks.Pairs(names_of(paths))
            pairs.types, pairs.shapes = (dtypes.string,) * 2, (TensorShape([]),) * 2
            return pairs

        super().__init__(from_host(made, [file_names(filenames)], None))

    @property
    def element_spec(self) -> Any:
        """The types of keys and values: strings."""
        return _TEXT, _TEXT

    def _inputs(self) -> list[Any]:
        return []
