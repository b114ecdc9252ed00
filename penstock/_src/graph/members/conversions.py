"""Methods of graphs and operations for TensorFlow 1 (protocol buffers, sessions). Their code is imported on first use."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.util.slots import above


class GraphConversions:
    """Methods of graphs that make definitions, operations from definitions, and find the session."""

    # the VersionDefs of the GraphDefs that were added to the graph
    imported_versions: list[Any]

    def as_graph_def(
        self,
        from_version: int | None = None,
        add_shapes: bool = False,
        use_pybind11_proto: bool = False,
    ) -> Any:
        """Returns the graph as a GraphDef.

        Args:
          from_version: accepted; all operations are in the message.
          add_shapes: whether each node has the static shapes of its outputs.
          use_pybind11_proto: accepted.

        Returns:
          A GraphDef.
        """
        return above("graph_def")(self, add_shapes)

    @property
    def graph_def_versions(self) -> Any:
        """The VersionDef of the graph: the oldest producer, and the readers that GraphDefs added to it allow."""
        return above("versions")(self.imported_versions)

    @property
    def _functions(self) -> dict[str, Any]:
        """The functions of the graph's library by name, as AtomicFunctions."""
        return above("functions_in")(self)

    def _get_function(self, name: str | bytes) -> Any:
        """Returns the function of this name in the graph's library, or None."""
        return self._functions.get(name.decode() if isinstance(name, bytes) else name)

    def _is_function(self, name: str | bytes) -> bool:
        """True if the graph's library has a function of this name."""
        return self._get_function(name) is not None

    def op_def_for_type(self, type: str) -> Any:
        """Returns the OpDef of an op.

        Args:
          type: the name of the op.

        Returns:
          An OpDef.
        """
        return above("op_def_named")(type)

    def create_op(
        self,
        op_type: str,
        inputs: Sequence[Any],
        dtypes: Any = None,
        input_types: Any = None,
        name: str | None = None,
        attrs: dict[str, Any] | None = None,
        op_def: Any = None,
        compute_shapes: bool = True,
        compute_device: bool = True,
    ) -> Any:
        """Adds an operation of any op.

        Args:
          op_type: the name of the op.
          inputs: tensors of the graph, flat.
          dtypes, input_types, op_def, compute_shapes, compute_device: found from the op itself.
          name: of the operation; by default that of the op.
          attrs: {attribute: AttrValue}.

        Returns:
          An Operation.

        Raises:
          TypeError: an input is not a tensor.
        """
        return above("create_operation")(self, op_type, inputs, dtypes, name, attrs)

    def _create_op_from_tf_operation(self, c_op: Any, compute_device: bool = True) -> Any:
        """Returns the operation that `tf.__internal__.create_c_op` has added."""
        return c_op

    def _default_session(self) -> Any:
        return above("default_session_of")(self)


class OperationConversions:
    """Methods of operations that make definitions, and operations from definitions."""

    # {name: AttrValue} set on the operation besides its op's attributes: definitions contain them
    annotations: Mapping[str, Any] = MappingProxyType({})
    gradient_kind: str

    @property
    def node_def(self) -> Any:
        """The NodeDef of the operation."""
        return above("node_def")(self)

    @property
    def op_def(self) -> Any:
        """The OpDef of the op."""
        return above("op_def")(self.raw_op.__class__)  # type: ignore[attr-defined]

    def get_attr(self, name: str) -> Any:
        """Returns an attribute in the form of TensorFlow's graphs: types and numbers plain, strings as bytes, others as messages.

        Args:
          name: of the attribute.

        Returns:
          Its value.

        Raises:
          ValueError: there is no attribute of this name.
        """
        return above("attribute_of")(self, name)

    def _set_attr(self, attr_name: str, attr_value: Any) -> None:
        """Sets an AttrValue on the operation, under a name that begins with an underscore.

        Raises:
          UnimplementedError: the name is that of one of the op's own attributes, which never change here.
        """
        if not attr_name.startswith("_"):
            raise UnimplementedError(
                f"Operation._set_attr: the attribute '{attr_name}' of this operation cannot be changed."
            )
        noted = type(attr_value).FromString(attr_value.SerializeToString())
        if attr_name == "_gradient_op_type":
            self.gradient_kind = noted.s.decode()
        self.annotations = {**self.annotations, attr_name: noted}

    def _clear_attr(self, attr_name: str) -> None:
        """Removes an attribute set by `_set_attr`."""
        if attr_name == "_gradient_op_type":
            self.gradient_kind = ""
        self.annotations = {k: v for k, v in self.annotations.items() if k != attr_name}

    def _control_flow_post_processing(self, input_tensors: Any = None) -> None:
        """Changes nothing: an operation joins the control flow around it when it is added."""

    @classmethod
    def from_node_def(
        cls,
        node_def: Any,
        g: Any,
        inputs: Sequence[Any] | None = None,
        output_types: Any = None,
        control_inputs: Sequence[Any] | None = None,
        input_types: Any = None,
        original_op: Any = None,
        op_def: Any = None,
    ) -> Any:
        """Adds the operation of a NodeDef to a graph and returns it.

        Args:
          node_def: a NodeDef; its name must be free in the graph.
          g: the graph.
          inputs: its inputs, flat.
          control_inputs: operations that run before.
          output_types, input_types, original_op, op_def: found from the op itself.

        Returns:
          An Operation.

        Raises:
          ValueError: the graph has an operation of that name.
        """
        return above("add_from_node_def")(node_def, g, inputs, control_inputs)
