"""What is known of the size of a dataset's batches."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from . import structure


def compute_batch_size(dataset: Any) -> Tensor:
    """Returns the number of rows of full batches as an int64 scalar; -1 if it cannot be told.

    Raises:
      IndexError: the elements have no first dimension.
    """
    shapes = [shape for shape in structure.flat_shapes(dataset.element_spec)]
    known = {shape.dims[0].value if shape.rank is not None else None for shape in shapes}
    if len(known) == 1 and None not in known:
        return convert_to_tensor(known.pop(), dtypes.int64)
    return raw.ComputeBatchSize(input_dataset=dataset._variant_tensor)
