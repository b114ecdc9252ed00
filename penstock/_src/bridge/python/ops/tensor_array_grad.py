"""`tensorflow.python.ops.tensor_array_grad`: which call of gradients an operation belongs to."""

from typing import Any


def _GetGradSource(op_or_tensor: Any) -> str:
    """Returns the scope of the innermost call of `tf.gradients` in which a tensor or operation was made.

    Raises:
      ValueError: there is none.
    """
    parts = op_or_tensor.name.split("/")
    places = [at for at, part in enumerate(parts) if part.startswith("gradients")]
    if not places:
        raise ValueError(
            "Expected op/tensor name to start with gradients (excluding scope), got: "
            f"{op_or_tensor.name}. This means that a tf.gradients op with this op in its dependency path "
            "has a custom name that does not start with 'gradients'. Please make sure all calls to "
            "tf.gradients that have non-empty `name` arguments use names that start with 'gradients'."
        )
    return "/".join(parts[: places[-1] + 1])
