"""Runs a signature of a TFLite model by the names of its inputs and outputs."""

from typing import Any

import numpy as np

from penstock._src.formats.tflite.interpreter.details import tensor_details
from penstock._src.formats.tflite.interpreter.execution import Execution
from penstock._src.formats.tflite.reading.contents import Signature


class SignatureRunner:
    """A function that runs a signature: `runner(x=..., y=...)` returns a dictionary of arrays.

    Args:
      signature: names of inputs and outputs.
      execution: of the signature's graph.
    """

    def __init__(self, signature: Signature, execution: Execution) -> None:
        self._signature, self._execution = signature, execution

    def __call__(self, **kwargs: Any) -> dict[str, Any]:
        """Returns the outputs, by name: copies, as `Interpreter.get_tensor` returns them.

        Args:
          **kwargs: an array for each input.

        Raises:
          ValueError: inputs are missing or have other names or types.
        """
        inputs = self._signature.inputs
        if len(kwargs) != len(inputs):
            raise ValueError(
                "Invalid number of inputs provided for running a SignatureDef, expected "
                f"{len(inputs)} vs provided {len(kwargs)}"
            )
        values = {}
        for name, value in kwargs.items():
            if name not in inputs:
                raise ValueError(f"Invalid Input name ({name}) for SignatureDef")
            values[inputs[name]] = np.asarray(value)
        for index, value in values.items():
            self._execution.resize(index, value.shape, strict=False)
        self._execution.allocate()
        for index, value in values.items():
            self._execution.set(index, value)
        self._execution.run()
        return {
            name: self._execution.get(index).copy()[()]
            for name, index in self._signature.outputs.items()
        }

    def get_input_details(self) -> dict[str, dict[str, Any]]:
        """Returns what the inputs are, by name."""
        return self._details(self._signature.inputs)

    def get_output_details(self) -> dict[str, dict[str, Any]]:
        """Returns what the outputs are, by name."""
        return self._details(self._signature.outputs)

    def _details(self, indices: dict[str, int]) -> dict[str, dict[str, Any]]:
        execution = self._execution
        return {
            name: tensor_details(execution.graph.tensors[index], execution.shape(index))
            for name, index in indices.items()
        }
