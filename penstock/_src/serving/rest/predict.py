""":predict: rows ("instances", "predictions") and columns ("inputs", "outputs")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.rest.parsing import values
from penstock._src.serving.servables.servable import Signature


def signature_name(request: Any) -> str:
    """Returns the signature that a request names; "" for the default.

    Raises:
      InvalidArgumentError: the request is not an object, or the name is not a string.
    """
    if not isinstance(request, dict):
        raise InvalidArgumentError("Request is not a JSON object.")
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidArgumentError("'signature_name' key must be a string value.")
    return name


def inputs_of(
    request: Mapping[str, Any], signature: Signature
) -> tuple[dict[str, np.ndarray], bool]:
    """Returns arrays by the names of inputs, and whether the request is in rows.

    Raises:
      InvalidArgumentError: it is in neither format, or does not fit the signature.
    """
    if ("instances" in request) == ("inputs" in request):
        raise InvalidArgumentError(
            "Not formatted correctly: expects one of the keys 'instances' and 'inputs'."
        )
    if "instances" in request:
        return _of_rows(request["instances"], signature), True
    return _of_columns(request["inputs"], signature), False


def _of_rows(instances: Any, signature: Signature) -> dict[str, np.ndarray]:
    if not isinstance(instances, list | np.ndarray) or not len(instances):
        raise InvalidArgumentError("Request key 'instances' expects a non-empty list.")
    first = instances[0]
    if not isinstance(first, dict) or values.is_bytes_object(first):
        return {_only(signature): _array(instances, signature, _only(signature))}
    names = first.keys()
    for number, instance in enumerate(instances):
        if not isinstance(instance, dict) or instance.keys() != names:
            raise InvalidArgumentError(
                f"Failed to process element: {number} of 'instances' list: expected an object with the keys {sorted(names)}, as "
                "the first element has."
            )
    return {
        name: _array([instance[name] for instance in instances], signature, name) for name in names
    }


def _of_columns(inputs: Any, signature: Signature) -> dict[str, np.ndarray]:
    if not isinstance(inputs, dict) or values.is_bytes_object(inputs):
        return {_only(signature): _array(inputs, signature, _only(signature))}
    return {name: _array(value, signature, name) for name, value in inputs.items()}


def _only(signature: Signature) -> str:
    """The name of the only input."""
    if len(signature.inputs) != 1:
        raise InvalidArgumentError(
            f"Missing named inputs: {signature.name} takes {sorted(signature.inputs)}, so each must be named."
        )
    return next(iter(signature.inputs))


def _array(value: Any, signature: Signature, name: str) -> np.ndarray:
    info = signature.inputs.get(name)
    if info is None:
        raise InvalidArgumentError(
            f"{signature.name} takes {sorted(signature.inputs)}. Received '{name}'."
        )
    return values.array_of(value, info, name)


def reply_of(outputs: Mapping[str, np.ndarray], in_rows: bool) -> bytes:
    """Returns the JSON text of the outputs.

    Raises:
      InvalidArgumentError: they have different numbers of rows, or hold what JSON cannot.
    """
    columns = {name: values.jsonable(array, name) for name, array in outputs.items()}
    if not in_rows:
        content = columns if len(columns) != 1 else next(iter(columns.values()))
        return values.dumps({"outputs": content}, columns.values())
    counts = {array.shape[:1] for array in outputs.values()}
    if len(counts) > 1 or () in counts:
        shapes = {name: list(array.shape) for name, array in outputs.items()}
        raise InvalidArgumentError(
            f"Tensors must have one extent of the first axis to be written in rows. The outputs have the shapes {shapes}: ask for "
            "columns, by the key 'inputs'."
        )
    if len(columns) == 1:
        return values.dumps({"predictions": next(iter(columns.values()))}, columns.values())
    rows = [dict(zip(columns, row)) for row in zip(*map(_rows, columns.values()))]
    return values.dumps({"predictions": rows}, columns.values())


def _rows(column: Any) -> Any:
    """The rows of a column; numbers of a vector as Python's."""
    is_vector = isinstance(column, np.ndarray) and column.ndim == 1
    if is_vector and column.dtype == np.float32:
        return [np.float32(number) for number in column]
    return column.tolist() if is_vector else column
