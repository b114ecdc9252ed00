"""Functions of rows."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def map_defun(
    fn: Any, elems: Any, output_dtypes: Any, output_shapes: Any, max_intra_op_parallelism: int = 1
) -> Any:
    """Returns the results of a `tf.function` on each row of tensors, stacked.

    Raises:
      ValueError: an argument is not a list.
    """
    named = {"elems": elems, "output_dtypes": output_dtypes, "output_shapes": output_shapes}
    for name, value in named.items():
        if not isinstance(value, list):
            raise ValueError(f"`{name}` must be a list, but was {value}.")
    concrete = fn.get_concrete_function()
    return raw.MapDefun(
        arguments=[convert_to_tensor(value) for value in elems],
        captured_inputs=list(concrete.captured_inputs),
        output_types=output_dtypes,
        output_shapes=output_shapes,
        f=concrete,
        max_intra_op_parallelism=max_intra_op_parallelism,
    )
