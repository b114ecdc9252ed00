"""Functions of a GraphDef with values as arguments instead of handles of variables."""

from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.core.dtypes import resource
from penstock._src.core.errors import UnimplementedError

# For ops that run functions: the number of inputs before those of the functions, and the attribute with their types.
_CALLS = {
    "If": (1, "Tin"),
    "StatelessIf": (1, "Tin"),
    "Case": (1, "Tin"),
    "StatelessCase": (1, "Tin"),
    "While": (0, "T"),
    "StatelessWhile": (0, "T"),
    "PartitionedCall": (0, "Tin"),
    "StatefulPartitionedCall": (0, "Tin"),
}


class FrozenFunctions:
    """Makes copies of a library's functions that take the values of variables.

    Args:
      library: a FunctionDefLibrary, to which the copies are added.
      reader: returns the nodes that stand for a node which reads a variable, None for other nodes.
    """

    def __init__(self, library: Any, reader: Callable[[Any], list[Any] | None]) -> None:
        self._library, self._reader = library, reader
        self._by_name = {function.signature.name: function for function in library.function}
        self._made: dict[tuple[str, tuple[tuple[int, int], ...]], str] = {}

    def convert(self, node: Any, types: Mapping[str, int]) -> list[Any]:
        """Returns the replacement of a node that takes some inputs by value.

        Args:
          node: a NodeDef, which stays as it is.
          types: the DataType of each of those inputs.

        Raises:
          UnimplementedError: the node uses a variable otherwise than by reading it.
        """
        read = self._reader(node)
        if read is not None:
            return read
        copy = type(node)()
        copy.CopyFrom(node)
        if node.op == "Identity":
            copy.attr["T"].type = types[node.input[0]]
            return [copy]
        if node.op not in _CALLS:
            raise UnimplementedError(
                f"convert_variables_to_constants: node {node.name} of type {node.op} uses a variable."
            )
        lead, attribute = _CALLS[node.op]
        inputs = [text for text in node.input if not text.startswith("^")][lead:]
        changed = {at: types[text] for at, text in enumerate(inputs) if text in types}
        for at, dtype in changed.items():
            copy.attr[attribute].list.type[at] = dtype
        for value in copy.attr.values():
            for function in [value.func, *value.list.func]:
                if function.name:
                    function.name = self._copy(function.name, changed)
        return [copy]

    def _copy(self, name: str, types: Mapping[int, int]) -> str:
        """Return the name of the copy with arguments of these types."""
        key = name, tuple(sorted(types.items()))
        if key not in self._made:
            self._made[key] = f"{name}_frozen_{len(self._made)}"
            self._add(self._by_name[name], self._made[key], types)
        return self._made[key]

    def _add(self, function: Any, name: str, types: Mapping[int, int]) -> None:
        copy = type(function)()
        copy.CopyFrom(function)
        copy.signature.name = name
        dtypes_by_name = {}
        for at, dtype in types.items():
            argument = copy.signature.input_arg[at]
            argument.type = dtype
            dtypes_by_name[argument.name] = dtype
            _state_shape(copy, at)
        del copy.node_def[:]
        renamed = {}
        for node in function.node_def:
            taken = {text: dtypes_by_name[text] for text in node.input if text in dtypes_by_name}
            if not taken:
                copy.node_def.append(node)
                continue
            *before, last = self.convert(node, taken)
            for constant in before:
                at = list(last.input).index(constant.name)
                last.input[at] = f"{constant.name}:output:0"
            copy.node_def.extend([*before, last])
            if node.op == "ReadVariableOp":
                renamed[f"{node.name}:value:0"] = f"{node.name}:output:0"
            elif node.op == "Identity":
                dtypes_by_name[f"{node.name}:output:0"] = taken[node.input[0]]
        for node in copy.node_def:
            node.input[:] = [renamed.get(text, text) for text in node.input]
        for result in copy.signature.output_arg:
            text = copy.ret[result.name]
            copy.ret[result.name] = renamed.get(text, text)
            if result.type == resource.as_datatype_enum and text in dtypes_by_name:
                result.type = dtypes_by_name[text]
        self._library.function.append(copy)


def _state_shape(function: Any, at: int) -> None:
    """States the shape of an argument's value, where that of its handle was."""
    argument = function.signature.input_arg[at]
    shapes = [data.shape for data in argument.handle_data]
    if "_input_shapes" in function.attr:
        stated = function.attr["_input_shapes"].list.shape[at]
        stated.Clear()
        if shapes:
            stated.CopyFrom(shapes[0])
        else:
            stated.unknown_rank = True
    argument.ClearField("handle_data")
