"""Nodes of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penstock._src.bridge.decision_forests.py_tree import condition as conditions
from penstock._src.bridge.decision_forests.py_tree import value as values
from penstock._src.bridge.decision_forests.py_tree.condition import AbstractCondition
from penstock._src.bridge.decision_forests.py_tree.value import AbstractValue
from penstock._src.trees.readers.ydf_schema import SCHEMA

__all__ = [
    "AbstractCondition",
    "AbstractNode",
    "AbstractValue",
    "LeafNode",
    "NonLeafNode",
    "core_node_to_node",
    "node_to_core_node",
]

# What stands before the text of a node, and before the lines below it, on its side.
_BEFORE = {None: "", True: "    ├─(pos)─ ", False: "    └─(neg)─ "}
_BELOW = {None: "", True: "    │    ", False: "         "}


class AbstractNode:
    """A node."""

    def pretty(self, prefix: str, is_pos: bool | None, depth: int, max_depth: int | None) -> str:
        """Returns the node and those below it as lines for readers.

        Args:
          prefix: of each line.
          is_pos: whether it is on the positive side of its parent; None: it has no parent.
          depth: of the node; 1 of a root.
          max_depth: of what is shown; None: all.
        """
        raise NotImplementedError

    def __str__(self) -> str:
        return self.pretty("", None, 1, None)


@dataclass(eq=False, repr=False)
class LeafNode(AbstractNode):
    """A leaf, which predicts.

    Args:
      value: the prediction.
      leaf_idx: the number of the leaf, in the order of the file; None: not known.
    """

    value: AbstractValue
    leaf_idx: int | None = None

    def __repr__(self) -> str:
        return f"LeafNode(value={self.value}, idx={self.leaf_idx})"

    def pretty(self, prefix: str, is_pos: bool | None, depth: int, max_depth: int | None) -> str:
        """Returns the leaf as a line."""
        number = "" if self.leaf_idx is None else f" (idx={self.leaf_idx})"
        return f"{prefix}{_BEFORE[is_pos]}{self.value}{number}\n"


@dataclass(eq=False, repr=False)
class NonLeafNode(AbstractNode):
    """A node with a condition.

    Args:
      condition: which side a row goes to.
      pos_child: the node for rows where it holds.
      neg_child: the node for other rows.
      value: a prediction, if there were no nodes below; it has no part in the model's.
    """

    condition: AbstractCondition
    pos_child: AbstractNode | None = None
    neg_child: AbstractNode | None = None
    value: AbstractValue | None = None

    def __repr__(self) -> str:
        value = "" if self.value is None else f", value={self.value!r}"
        return f"NonLeafNode(condition={self.condition!r}, pos_child={self.pos_child!r}, neg_child={self.neg_child!r}{value})"

    def pretty(self, prefix: str, is_pos: bool | None, depth: int, max_depth: int | None) -> str:
        """Returns the node and those below it as lines for readers."""
        text, below = f"{prefix}{_BEFORE[is_pos]}{self.condition}\n", prefix + _BELOW[is_pos]
        children = [(True, self.pos_child), (False, self.neg_child)]
        present = [(side, child) for side, child in children if child is not None]
        if max_depth is not None and depth >= max_depth:
            return f"{text}{below}...\n" if present else text
        lines = [child.pretty(below, side, depth + 1, max_depth) for side, child in present]
        return text + "".join(lines)


def core_node_to_node(core_node: Any, dataspec: Any) -> AbstractNode:
    """Returns a node of YDF's files, without those below it.

    Args:
      core_node: the message.
      dataspec: the message with all columns.

    Raises:
      ValueError: a leaf has no value.
    """
    value = values.core_value_to_value(core_node)
    if core_node.HasField("condition"):
        condition = conditions.core_condition_to_condition(core_node.condition, dataspec)
        return NonLeafNode(condition, value=value)
    if value is None:
        raise ValueError("A leaf has no value.")
    return LeafNode(value)


def node_to_core_node(node: AbstractNode, dataspec: Any) -> Any:
    """Returns the message of a node, for YDF's files.

    Args:
      node: what is written, without the nodes below it.
      dataspec: the message with all columns.

    Raises:
      ValueError: `node` is neither a LeafNode nor a NonLeafNode.
    """
    message = SCHEMA["Node"]()
    if isinstance(node, NonLeafNode):
        conditions.set_core_node(node.condition, dataspec, message)
    elif not isinstance(node, LeafNode):
        raise ValueError(f"Expected a LeafNode or a NonLeafNode. Received: {node}")
    if node.value is not None:
        values.set_core_node(node.value, message)
    return message
