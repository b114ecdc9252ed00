"""Counterpart of `tensorflow/python/framework/importer.py`: names of tensors in GraphDefs."""


def _IsControlInput(input_name: str) -> bool:
    """True if an input of a NodeDef is a control dependency."""
    return input_name.startswith("^")


def _ParseTensorName(tensor_name: str) -> tuple[str, int]:
    """Returns the operation of a tensor's name and the index of its output.

    Raises:
      ValueError: the name has several colons, or no number after the colon.
    """
    operation, *rest = tensor_name.split(":")
    if len(rest) > 1:
        raise ValueError(
            f"Cannot convert '{tensor_name}' to a tensor name. Tensor names should not contain more than 1 `:`. Obtained {len(rest)}"
        )
    if not rest:
        return operation, 0
    try:
        return operation, int(rest[0])
    except ValueError:
        raise ValueError(
            f"Cannot convert '{tensor_name}' to a tensor name. Second component of the name following the `:` should be an int. "
            f"Got {rest[0]}."
        ) from None
