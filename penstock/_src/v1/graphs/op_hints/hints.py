"""tf.compat.v1.lite.OpHint: marks the inputs and outputs of a part of a graph."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from penstock._src.api.array.shaping import identity
from penstock._src.proto.graph import AttrValue
from penstock._src.util.export import export


class OpHintArgumentTracker:
    """Numbers the inputs, or the outputs, of one part of a graph.

    Args:
      function_name: the name of the operation that the part stands for.
      unique_function_id: tells this part from others of the same name.
      node_name_prefix: the first part of the names of identities.
      attr_name: the attribute that holds a tensor's number.
      level: 1, or more if the part has further parts inside.
      children_inputs_mappings: how the inner parts are connected.
    """

    def __init__(
        self,
        function_name: str,
        unique_function_id: str,
        node_name_prefix: str,
        attr_name: str,
        level: int = 1,
        children_inputs_mappings: Mapping[str, Any] | None = None,
    ) -> None:
        self._function_name = function_name
        self._unique_function_id = unique_function_id
        self._node_name_prefix = node_name_prefix
        self._attr_name = attr_name
        self._level = level
        self._children_inputs_mappings = children_inputs_mappings
        self._used: set[int] = set()
        self._index_of_tag: dict[str, int] = {}
        self._count_of_tag: dict[str, int] = {}

    def add(
        self,
        arg: Any,
        tag: str | None = None,
        name: str | None = None,
        aggregate: str | None = None,
        index_override: int | None = None,
    ) -> Any:
        """Returns the tensor through an identity that is marked as an input or output.

        Args:
          arg: a tensor.
          tag: tensors of one tag are one input or output.
          name: the last part of the identity's name.
          aggregate: how tensors of a tag become one, see the constants of OpHint.
          index_override: the number of the input or output; by default the next free one.

        Raises:
          ValueError: only one of `tag` and `aggregate` is given, or a number is taken.
        """
        if tag is None and aggregate is not None:
            raise ValueError("You must specify `tag` if using aggregate.")
        if tag is not None and aggregate is None:
            raise ValueError("You must specify `aggregate` if using tag.")
        index, order = self._numbers(tag, index_override)
        unique = self._unique_function_id
        scope = f"{self._node_name_prefix}-{self._function_name}-{unique}"
        marked = identity(arg, name=f"{scope}-{index!r}-{order!r}-{name}")
        attributes = {
            OpHint.FUNCTION_NAME_ATTR: AttrValue(s=self._function_name.encode()),
            OpHint.FUNCTION_UUID_ATTR: AttrValue(s=unique.encode()),
            self._attr_name: AttrValue(i=index),
            OpHint.FUNCTION_LEVEL_ATTR: AttrValue(i=self._level),
        }
        if self._children_inputs_mappings:
            text = json.dumps(self._children_inputs_mappings)
            attributes[OpHint.CHILDREN_INPUTS_MAPPINGS] = AttrValue(s=text.encode())
        if order is not None and aggregate is not None:
            attributes[OpHint.FUNCTION_SORT_INDEX_ATTR] = AttrValue(i=order)
            attributes[OpHint.FUNCTION_AGGREGATE_ATTR] = AttrValue(s=aggregate.encode())
        for key, value in attributes.items():
            marked.op._set_attr(key, value)
        return marked

    def _numbers(self, tag: str | None, wanted: int | None) -> tuple[int, int | None]:
        """The number of a tensor, and which of its tag it is."""
        if tag is None:
            return self._new_index(wanted), None
        if tag not in self._index_of_tag:
            self._index_of_tag[tag] = self._new_index(wanted)
        elif wanted and wanted != self._index_of_tag[tag]:
            raise ValueError(
                f"Tag {tag!r} was called with two indices {wanted} and {self._index_of_tag[tag]}"
            )
        order = self._count_of_tag.get(tag, 0)
        self._count_of_tag[tag] = order + 1
        return self._index_of_tag[tag], order

    def _new_index(self, wanted: int | None) -> int:
        if wanted is None:
            wanted = next(i for i in range(len(self._used) + 1) if i not in self._used)
        elif wanted in self._used:
            raise ValueError(f"Index {wanted} was already used by another call to add")
        self._used.add(wanted)
        return wanted


@export(v1=["lite.OpHint"])
class OpHint:
    """Marks a part of a graph as what a converter shall see as one operation.

    Args:
      function_name: the name of that operation.
      level: 1, or more for a part that has further parts inside loops.
      children_inputs_mappings: for a level above 1, how the inner parts are connected: lists of dictionaries under the
        names `parent_first_child_input`, `parent_last_child_output` and `internal_children_input_output`.
      **kwargs: constants of the operation, which are accepted.

    Example:
      >>> import penstock as tf
      >>> v1 = tf.compat.v1
      >>> with tf.Graph().as_default() as graph:
      ...     hint = v1.lite.OpHint("soft_sign")
      ...     x = hint.add_input(v1.placeholder(tf.float32, [2]))
      ...     y = tf.identity(hint.add_output(x / (1.0 + tf.abs(x))), name="y")
      >>> short = v1.lite.experimental.convert_op_hints_to_stubs(graph_def=graph.as_graph_def())
      >>> [node.op for node in short.node]
      ['Placeholder', 'Identity', 'Const', 'soft_sign', 'Identity', 'Identity']
    """

    FUNCTION_NAME_ATTR = "_tflite_function_name"
    FUNCTION_UUID_ATTR = "_tflite_function_uuid"
    FUNCTION_INPUT_INDEX_ATTR = "_tflite_function_input_index"
    FUNCTION_OUTPUT_INDEX_ATTR = "_tflite_function_output_index"
    # The index of a tensor among those with its tag.
    FUNCTION_SORT_INDEX_ATTR = "_tflite_function_sort_index"
    FUNCTION_AGGREGATE_ATTR = "_tflite_function_aggregate"
    # Attribute of the node that replaces the part: the indices of its inputs.
    TFLITE_INPUT_INDICES = "_tflite_input_indices"
    FUNCTION_LEVEL_ATTR = "_tflite_ophint_level"
    CHILDREN_INPUTS_MAPPINGS = "_tflite_children_ophint_inputs_mapping"

    # Aggregation of tensors of one tag: a stack of all, the first, or the last.
    AGGREGATE_STACK = "stack"
    AGGREGATE_FIRST = "first"
    AGGREGATE_LAST = "last"

    OpHintArgumentTracker = OpHintArgumentTracker

    def __init__(
        self,
        function_name: str,
        level: int = 1,
        children_inputs_mappings: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if level == 1:
            assert children_inputs_mappings is None
        else:
            _check_mappings(children_inputs_mappings)
        self._function_name = function_name
        self._level = level
        self._children_inputs_mappings = children_inputs_mappings
        self._unique_function_id = uuid.uuid1().hex
        self._inputs = self._tracker("InputHint", self.FUNCTION_INPUT_INDEX_ATTR)
        self._outputs = self._tracker("OutputHint", self.FUNCTION_OUTPUT_INDEX_ATTR)

    def _tracker(self, prefix: str, attribute: str) -> OpHintArgumentTracker:
        return OpHintArgumentTracker(
            self._function_name,
            self._unique_function_id,
            prefix,
            attribute,
            self._level,
            self._children_inputs_mappings,
        )

    def add_input(self, *args: Any, **kwargs: Any) -> Any:
        """Returns a tensor marked as an input.

        Args:
          *args, **kwargs: the tensor, and `tag`, `name`, `aggregate` and `index_override`: see OpHintArgumentTracker.add.
        """
        return self._inputs.add(*args, **kwargs)

    def add_output(self, *args: Any, **kwargs: Any) -> Any:
        """Returns a tensor marked as an output.

        Args:
          *args, **kwargs: as in `add_input`.
        """
        return self._outputs.add(*args, **kwargs)

    def add_inputs(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Returns tensors marked as inputs.

        Args:
          *args: tensors.
          **kwargs: `names`, a list.
        """
        return _add_all(self._inputs, args, kwargs.get("names"))

    def add_outputs(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Returns tensors marked as outputs.

        Args:
          *args: tensors.
          **kwargs: `names`, a list.
        """
        return _add_all(self._outputs, args, kwargs.get("names"))


def _add_all(tracker: OpHintArgumentTracker, args: Any, names: Any) -> list[Any]:
    if names is None:
        return [tracker.add(arg) for arg in args]
    return [tracker.add(arg, name=name) for arg, name in zip(args, names, strict=False)]


# Required keys of the dictionaries in each list of mappings.
_KEYS = {
    "parent_first_child_input": ("parent_ophint_input_index", "first_child_ophint_input_index"),
    "parent_last_child_output": ("parent_output_index", "child_output_index"),
    "internal_children_input_output": ("child_input_index", "child_output_index"),
}


def _check_mappings(mappings: Any) -> None:
    assert isinstance(mappings, dict)
    for name, keys in _KEYS.items():
        assert name in mappings, f"children_inputs_mappings lacks {name!r}."
        for entry in mappings[name]:
            assert isinstance(entry, dict) and all(key in entry for key in keys), (
                f"Entries of {name!r} must have {keys}. Received: {entry}"
            )
