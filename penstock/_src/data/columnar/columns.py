"""Base of datasets over files of other systems: elements are dicts of columns."""

from collections.abc import Mapping
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.util.signatures import read_only


class Columns(Dataset):
    """Elements that are dicts of columns."""

    def __init__(self, variant: Any, specs: Mapping[str, TensorSpec]) -> None:
        self._element_spec = dict(specs)
        super().__init__(variant)

    element_spec = read_only("_element_spec", "The types of the columns.")

    def _inputs(self) -> list[Any]:
        return []


def typed(pipeline: Pipeline, specs: Mapping[str, TensorSpec]) -> Pipeline:
    """Set the types of a pipeline's elements."""
    pipeline.types = tuple(structure.flat_types(dict(specs)))
    pipeline.shapes = tuple(structure.flat_shapes(dict(specs)))
    return pipeline


def file_names(filenames: Any) -> Any:
    """File names as a string tensor."""
    if isinstance(filenames, Dataset):
        raise TypeError(
            "`filenames` must be names. Received a dataset: read files in its `interleave`."
        )
    if isinstance(filenames, Tensor):
        return filenames
    names = filenames if isinstance(filenames, (list, tuple)) else [filenames]
    return convert_to_tensor([str(name) for name in names], dtype=dtypes.string)
