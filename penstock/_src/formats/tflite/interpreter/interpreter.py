"""tf.lite.Interpreter."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.lite import OpResolverType
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.tflite.interpreter.details import tensor_details
from penstock._src.formats.tflite.interpreter.execution import Execution
from penstock._src.formats.tflite.interpreter.signature_runner import SignatureRunner
from penstock._src.formats.tflite.reading.contents import read_contents
from penstock._src.formats.tflite.reading.source import data_of
from penstock._src.formats.tflite.reading.state import State
from penstock._src.util.export import export


@export("lite.Interpreter")
class Interpreter:
    """Runs a TFLite model, compiled like any function of Penstock.

    Args:
      model_path: the file.
      model_content: or its bytes.
      experimental_delegates: other kernels; there are none.
      num_threads: at least 1; kernels use the threads of the process.
      experimental_op_resolver_type: a `tf.lite.experimental.OpResolverType`. All give the results of the reference kernels.
      experimental_preserve_all_tensors: whether `get_tensor` gives intermediate results.
      experimental_disable_delegate_clustering: without effect, there being no delegates.
      experimental_default_delegate_latest_features: likewise.

    Raises:
      ValueError: there is no such file, it is damaged, or an argument is wrong.

    >>> interpreter = tf.lite.Interpreter(model_path="model.tflite")  # doctest: +SKIP
    >>> interpreter.allocate_tensors()  # doctest: +SKIP
    >>> interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)  # doctest: +SKIP
    >>> interpreter.invoke()  # doctest: +SKIP
    >>> interpreter.get_tensor(interpreter.get_output_details()[0]["index"])  # doctest: +SKIP
    """

    def __init__(
        self,
        model_path: Any = None,
        model_content: Any = None,
        experimental_delegates: Any = None,
        num_threads: int | None = None,
        experimental_op_resolver_type: OpResolverType = OpResolverType.AUTO,
        experimental_preserve_all_tensors: bool = False,
        experimental_disable_delegate_clustering: bool = False,
        experimental_default_delegate_latest_features: bool = False,
    ) -> None:
        if not isinstance(experimental_op_resolver_type, OpResolverType):
            raise ValueError(
                f"Unrecognized passed in op resolver type: {experimental_op_resolver_type}"
            )
        if num_threads is not None:
            if not isinstance(num_threads, int):
                raise ValueError("type of num_threads should be int")
            if num_threads < 1:
                raise ValueError("num_threads should >= 1")
        if experimental_delegates:
            raise UnimplementedError("tf.lite.Interpreter: delegates are not implemented.")
        self._contents = read_contents(*data_of(model_path, model_content))
        self._state = State()
        self._every = experimental_preserve_all_tensors
        self._executions: dict[int, Execution] = {}

    def _execution(self, graph: int) -> Execution:
        if graph not in self._executions:
            self._executions[graph] = Execution(
                self._contents, self._contents.graphs[graph], self._state, self._every
            )
        return self._executions[graph]

    @property
    def _main(self) -> Execution:
        return self._execution(0)

    def _ensure_safe(self) -> None:
        if any(execution.is_referred_to() for execution in self._executions.values()):
            raise RuntimeError(
                "There is at least 1 reference to internal data in the interpreter in the form of a numpy array or "
                "slice. Be sure to only hold the function returned from tensor() if you are using raw data access."
            )

    def allocate_tensors(self) -> None:
        """Settles the shapes of the inputs, and compiles what there is to compile for them.

        Raises:
          RuntimeError: the model does not take these shapes.
          UnimplementedError: it has an op that is not implemented.
        """
        self._ensure_safe()
        self._main.allocate()

    def get_input_details(self) -> list[dict[str, Any]]:
        """Returns what the inputs are: a dictionary each.

        Returns:
          Dictionaries with `name`, `index`, `shape`, `shape_signature` (-1 for unknown sizes), `dtype`, `quantization`,
          `quantization_parameters` and `sparsity_parameters`.
        """
        return [self._details(index) for index in self._main.graph.inputs]

    def get_output_details(self) -> list[dict[str, Any]]:
        """Returns what the outputs are.

        Returns:
          A dictionary each, as of `get_input_details`.
        """
        return [self._details(index) for index in self._main.graph.outputs]

    def get_tensor_details(self, subgraph_index: int = 0) -> list[dict[str, Any]]:
        """Returns what all tensors of a graph are.

        Args:
          subgraph_index: which graph.

        Returns:
          A dictionary each, as of `get_input_details`.

        Raises:
          ValueError: there is no such graph.
        """
        count = self.num_subgraphs()
        if not 0 <= subgraph_index < count:
            raise ValueError(
                f"subgraph_index is out of range: {subgraph_index} for the model, which has {count} subgraphs."
            )
        execution = self._execution(subgraph_index)
        return [tensor_details(t, execution.shape(t.index)) for t in execution.graph.tensors]

    def _details(self, index: int) -> dict[str, Any]:
        return tensor_details(self._main.graph.tensors[index], self._main.shape(index))

    def _get_ops_details(self) -> list[dict[str, Any]]:
        """Operators of the first graph: names, and which tensors they read and write."""
        tensors = self._main.graph.tensors

        def types(indices: Sequence[int]) -> list[Any]:
            return [tensor_details(tensors[i], ())["dtype"] for i in indices if i >= 0]

        return [
            {
                "index": operation.index,
                "op_name": operation.custom_code or operation.name,
                "inputs": np.array(operation.inputs, np.int32),
                "outputs": np.array(operation.outputs, np.int32),
                "operand_types": types(operation.inputs),
                "result_types": types(operation.outputs),
            }
            for operation in self._main.graph.operations
        ]

    def _get_op_details(self, op_index: int) -> dict[str, Any]:
        """One operator of the first graph."""
        return self._get_ops_details()[op_index]

    def _get_tensor_details(self, tensor_index: int, subgraph_index: int) -> dict[str, Any]:
        """The details of a tensor, as in `get_tensor_details`."""
        return self.get_tensor_details(subgraph_index)[tensor_index]

    def num_subgraphs(self) -> int:
        """Returns the number of graphs in the model.

        Returns:
          An int: the main graph, and those of signatures, branches and loops.
        """
        return len(self._contents.graphs)

    def get_signature_list(self) -> dict[str, dict[str, list[str]]]:
        """Returns the names of inputs and outputs of each signature.

        Returns:
          `{signature: {"inputs": names, "outputs": names}}`.
        """
        return {
            signature.key: {
                "inputs": sorted(signature.inputs),
                "outputs": sorted(signature.outputs),
            }
            for signature in self._contents.signatures
        }

    def get_signature_runner(self, signature_key: str | None = None) -> SignatureRunner:
        """Returns a function that runs a signature.

        Args:
          signature_key: its name; may be left out if there is only one.

        Returns:
          A function of arrays by the inputs' names, which returns a dictionary of arrays.

        Raises:
          ValueError: there is no such signature.
        """
        signatures = self._contents.signatures
        if signature_key is None:
            if len(signatures) != 1:
                raise ValueError(
                    f"SignatureDef signature_key is None and model has {len(signatures)} Signatures. None is only "
                    "allowed when the model has 1 SignatureDef"
                )
            signature_key = signatures[0].key
        by_key = {signature.key: signature for signature in signatures}
        if signature_key not in by_key:
            raise ValueError(f'Invalid signature_key provided: "{signature_key}".')
        signature = by_key[signature_key]
        return SignatureRunner(signature, self._execution(signature.graph))

    def resize_tensor_input(self, input_index: int, tensor_size: Any, strict: bool = False) -> None:
        """Changes the shape of an input; `allocate_tensors` must follow.

        Args:
          input_index: the input's index.
          tensor_size: its new shape.
          strict: whether only sizes that the model calls unknown may change.

        Raises:
          RuntimeError: the tensor cannot have this shape.
        """
        self._ensure_safe()
        shape = tuple(int(extent) for extent in np.array(tensor_size, np.int32).reshape(-1))
        self._main.resize(int(input_index), shape, strict)

    def set_tensor(self, tensor_index: int, value: Any) -> None:
        """Copies a value into an input.

        Args:
          tensor_index: the input's index.
          value: an array of its type and shape.

        Raises:
          ValueError: it has another type or shape.
        """
        self._main.set(int(tensor_index), value)

    def get_tensor(self, tensor_index: int, subgraph_index: int = 0) -> Any:
        """Returns the value of an input, an output or a constant.

        Args:
          tensor_index: its index.
          subgraph_index: which graph it is of.

        Returns:
          A copy, as an array; that of a scalar is a NumPy number, or bytes.

        Raises:
          ValueError: it has no value.
        """
        count = self.num_subgraphs()
        if not 0 <= subgraph_index < count:
            raise ValueError(
                f"Invalid subgraph index {subgraph_index} exceeds max subgraph index {count}"
            )
        return self._execution(subgraph_index).get(int(tensor_index)).copy()[()]

    def tensor(self, tensor_index: int) -> Callable[[], np.ndarray]:
        """Returns a function that gives a view of a tensor.

        No view may be held while `invoke`, `allocate_tensors` or `resize_tensor_input` is called.

        Args:
          tensor_index: the index of an input or output.

        Returns:
          A function without arguments that returns an array; what is written into an input's array is what the model takes.
        """
        return lambda: self._main.get(int(tensor_index))[...]

    def invoke(self) -> None:
        """Runs the model.

        Raises:
          RuntimeError: `allocate_tensors` has not been called, or an op refuses its values.
        """
        self._ensure_safe()
        self._main.run()

    def reset_all_variables(self) -> None:
        """Sets the tensors that keep values from run to run to zeros."""
        self._state.reset()
