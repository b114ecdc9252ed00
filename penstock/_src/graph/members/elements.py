"""Methods of graphs that find operations and tensors."""

from typing import Any

from penstock._src.graph.operation import Operation, SymbolicTensor


class GraphElements:
    """Methods of graphs that find operations and tensors."""

    _operations: list[Operation]
    _by_name: dict[str, Operation]

    def get_operations(self) -> list[Operation]:
        """Returns the operations in creation order.

        Returns:
          A list.
        """
        return list(self._operations)

    @property
    def operations(self) -> list[Operation]:
        """The operations in creation order."""
        return self.get_operations()

    def num_operations(self) -> int:
        """Returns the number of operations.

        Returns:
          An int.
        """
        return len(self._operations)

    def new_operations(self) -> list[Operation]:
        """Returns operations added without the graph's knowledge: always none.

        Returns:
          An empty list.
        """
        return []

    def get_operation_by_name(self, name: str) -> Operation:
        """Returns the operation called `name`.

        Args:
          name: of the operation.

        Returns:
          An Operation.

        Raises:
          KeyError: there is none.
          TypeError: `name` is not a str.
        """
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False)

    def get_tensor_by_name(self, name: str) -> SymbolicTensor:
        """Returns the tensor `<operation>:<output>`.

        Args:
          name: such as "total:0".

        Returns:
          A tensor.

        Raises:
          KeyError: there is none.
          ValueError: the name does not have that form.
          TypeError: `name` is not a str.
        """
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_operation=False)

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """Returns the tensor or operation that `obj` is or names.

        Args:
          obj: a tensor, operation or variable, or a name.
          allow_tensor, allow_operation: whether the result may be one.

        Returns:
          A tensor or Operation of this graph.

        Raises:
          TypeError: `obj` can't be either.
          ValueError: it is of another graph, or a name of the wrong form.
          KeyError: nothing has this name.
        """
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None:
            obj = convert()
        if isinstance(obj, SymbolicTensor if allow_tensor else ()) or isinstance(
            obj, Operation if allow_operation else ()
        ):
            if obj.graph is not self:
                raise ValueError(f"{obj!r} is not an element of this graph.")
            return obj
        if not (allow_tensor or allow_operation):
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        if not isinstance(obj, str):
            wanted = " or ".join(
                k for k, on in (("Tensor", allow_tensor), ("Operation", allow_operation)) if on
            )
            raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")
        if ":" in obj and allow_tensor:
            return self._tensor_named(obj)
        if ":" not in obj and allow_operation:
            if obj not in self._by_name:
                raise KeyError(f"The name '{obj}' refers to an Operation not in the graph.")
            return self._by_name[obj]
        if allow_tensor and obj in self._by_name:
            raise ValueError(
                f"The name '{obj}' refers to an Operation, not a Tensor. Tensor names must be of the form "
                '"<op_name>:<output_index>".'
            )
        if allow_tensor:
            raise ValueError(
                f"The name '{obj}' looks like an (invalid) Operation name, not a Tensor. Tensor "
                'names must be of the form "<op_name>:<output_index>".'
            )
        base = obj.partition(":")[0]
        if base in self._by_name:
            raise ValueError(f"Name '{obj}' appears to refer to a Tensor, not a Operation.")
        raise ValueError(f"The name '{obj}' looks like a Tensor name, not an Operation.")

    def _tensor_named(self, name: str) -> SymbolicTensor:
        base, _, index = name.rpartition(":")
        if not base or not index.isdigit():
            raise ValueError(
                f"The name '{name}' looks a like a Tensor name, but is not a valid one. Tensor "
                'names must be of the form "<op_name>:<output_index>".'
            )
        if base not in self._by_name:
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. The operation, "
                f"'{base}', does not exist in the graph."
            )
        outputs = self._by_name[base].outputs
        if int(index) >= len(outputs):
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. The operation, "
                f"'{base}', exists but only has {len(outputs)} outputs."
            )
        return outputs[int(index)]
