"""Classify and regress: functions of serialized tf.Examples. Outputs have the names and shapes of TensorFlow Serving's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.saving.saved_model.constants import (
    CLASSIFY_INPUTS,
    CLASSIFY_OUTPUT_CLASSES,
    CLASSIFY_OUTPUT_SCORES,
    REGRESS_OUTPUTS,
)
from penstock._src.serving.servables.servable import Signature

# Label and score of each class of an example.
Classes = list[tuple[str, float]]


def serialized(message: Any) -> list[bytes]:
    """Returns the examples of an `Input` message; the features of its context are added to each that lacks them.

    Raises:
      InvalidArgumentError: there are none.
    """
    if message.WhichOneof("kind") == "example_list_with_context":
        listed = message.example_list_with_context
        context = listed.context.SerializeToString()
        texts = [context + example.SerializeToString() for example in listed.examples]
    else:
        texts = [example.SerializeToString() for example in message.example_list.examples]
    if not texts:
        raise InvalidArgumentError("Input is empty.")
    return texts


def argument(signature: Signature, method_name: str, examples: Sequence[bytes]) -> dict[str, Any]:
    """Returns the arguments of a function for examples.

    Args:
      signature: whose function is called.
      method_name: the kind of function that it must be.
      examples: serialized.

    Raises:
      InvalidArgumentError: it is of another kind.
      FailedPreconditionError: it does not take examples.
    """
    if signature.method_name != method_name:
        kind = method_name.rpartition("/")[2]
        raise InvalidArgumentError(
            f"Expected {kind} signature method_name to be {method_name}. Was: {signature.method_name}"
        )
    if list(signature.inputs) != [CLASSIFY_INPUTS]:
        raise FailedPreconditionError(
            f"The signature '{signature.name}' must have one input, '{CLASSIFY_INPUTS}'. It has {sorted(signature.inputs)}."
        )
    array = np.empty(len(examples), object)
    array[:] = examples
    return {CLASSIFY_INPUTS: array}


def classifications(outputs: Mapping[str, np.ndarray], count: int) -> list[Classes]:
    """Returns the classes of each example.

    Args:
      outputs: of a function of the method CLASSIFY_METHOD_NAME.
      count: of examples.

    Raises:
      FailedPreconditionError: the outputs are not those of a classification.
    """
    labels = outputs.get(CLASSIFY_OUTPUT_CLASSES)
    scores = outputs.get(CLASSIFY_OUTPUT_SCORES)
    if labels is None and scores is None:
        raise FailedPreconditionError(
            f"A classification has outputs '{CLASSIFY_OUTPUT_CLASSES}' or '{CLASSIFY_OUTPUT_SCORES}'. Received {sorted(outputs)}."
        )
    shape = next(array.shape for array in (labels, scores) if array is not None)
    for name, array in outputs.items():
        if array.ndim != 2 or array.shape != shape or len(array) != count:
            raise FailedPreconditionError(
                f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)} for '{name}', with {count} examples."
            )
    texts = np.full(shape, b"") if labels is None else labels
    numbers = np.zeros(shape) if scores is None else shortest(scores)
    rows = zip(list(texts), list(numbers), strict=True)
    return [
        [(t.decode(errors="replace"), n) for t, n in zip(row.tolist(), scores_of_row.tolist())]
        for row, scores_of_row in rows
    ]


def regressions(outputs: Mapping[str, np.ndarray], count: int) -> list[float]:
    """Returns the value of each example.

    Args:
      outputs: of a function of the method REGRESS_METHOD_NAME.
      count: of examples.

    Raises:
      FailedPreconditionError: the output is not that of a regression.
    """
    values = outputs.get(REGRESS_OUTPUTS)
    if values is None or values.shape not in ((count,), (count, 1)):
        shape = None if values is None else list(values.shape)
        raise FailedPreconditionError(
            f"Expected the output '{REGRESS_OUTPUTS}' of shape [batch_size] or [batch_size 1] but got {shape}, with {count} examples."
        )
    return shortest(values).ravel().tolist()


def shortest(array: np.ndarray) -> np.ndarray:
    """Returns float32 numbers as the float64 numbers with the shortest decimals that give the same float32 back."""
    return array.astype(str).astype(np.float64) if array.dtype == np.float32 else array
