"""A tree."""

from __future__ import annotations

from penstock._src.bridge.decision_forests.py_tree.node import AbstractNode

__all__ = ["Tree"]


class Tree:
    """A decision tree.

    Args:
      root: the first node; None: there are none.
      label_classes: the texts of classes.
    """

    def __init__(self, root: AbstractNode | None, label_classes: list[str] | None = None) -> None:
        self._root, self._classes = root, label_classes

    @property
    def root(self) -> AbstractNode | None:
        """The first node."""
        return self._root

    @property
    def label_classes(self) -> list[str] | None:
        """The texts of classes."""
        return self._classes

    def __repr__(self) -> str:
        return f"Tree(root={self.root!r}, label_classes={self.label_classes})"

    def __str__(self) -> str:
        return self.pretty()

    def pretty(self, max_depth: int | None = 4) -> str:
        """Returns the tree as lines for readers.

        Args:
          max_depth: of what is shown, "..." stands for what is deeper; None: all.
        """
        text = "No root\n" if self.root is None else self.root.pretty("", None, 1, max_depth)
        return (
            text if self.label_classes is None else f"{text}Label classes: {self.label_classes}\n"
        )
