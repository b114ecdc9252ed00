"""Trees as pictures in pages."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

from penstock._src.bridge.decision_forests.py_tree.node import AbstractNode, NonLeafNode
from penstock._src.bridge.decision_forests.py_tree.tree import Tree

__all__ = ["DisplayOptions", "plot_model", "plot_model_in_colab", "plot_tree"]


class DisplayOptions(NamedTuple):
    """Sizes of a picture, in pixels.

    Args:
      node_x_size, node_y_size: of a node.
      node_x_offset, node_y_offset: from a node to the next one.
      font_size: of texts.
      edge_rounding: how far edges are bent.
      node_padding: around the text of a node.
      show_plot_bounding_box: whether the picture has a frame.
    """

    node_x_size: float | None = 160
    node_y_size: float | None = 28
    node_x_offset: float | None = 180
    node_y_offset: float | None = 33
    font_size: float | None = 10
    edge_rounding: float | None = 20
    node_padding: float | None = 2
    show_plot_bounding_box: bool | None = False


def plot_model(model: Any, tree_idx: int = 0, max_depth: int | None = 3) -> str:
    """Returns a page with a picture of a tree, as HTML.

    Args:
      model: fitted.
      tree_idx: the number of the tree.
      max_depth: of what is shown; None: all.
    """
    return model.ydf_model().plot_tree(tree_idx, max_depth=max_depth).html()


def plot_model_in_colab(model: Any, tree_idx: int = 0, max_depth: int | None = 3) -> Any:
    """Shows a picture of a tree in a notebook.

    Args:
      model: fitted.
      tree_idx: the number of the tree.
      max_depth: of what is shown; None: all.
    """
    from IPython.display import HTML  # only notebooks have it

    return HTML(plot_model(model, tree_idx, max_depth))


def plot_tree(
    tree: Tree, max_depth: int | None = None, display_options: DisplayOptions | None = None
) -> str:
    """Returns a picture of a tree as HTML, with its root on the left.

    Args:
      tree: of `py_tree`.
      max_depth: of what is shown; None: all.
      display_options: sizes.
    """
    sizes = display_options or DisplayOptions()
    boxes = [] if tree.root is None else _below(tree.root, 0, 0, max_depth, None)[0]
    width = max((box.depth + 1 for box in boxes), default=0) * (sizes.node_x_offset or 0)
    height = (max((box.row for box in boxes), default=0) + 1) * (sizes.node_y_offset or 0)
    frame = ' style="border: 1px solid"' if sizes.show_plot_bounding_box else ""
    parts = [_drawn(box, sizes) for box in boxes]
    classes = "" if tree.label_classes is None else f"Classes: {', '.join(tree.label_classes)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"{frame} '
        f'font-family="sans-serif" font-size="{sizes.font_size}">{"".join(parts)}</svg>'
        f"<p>{html.escape(classes)}</p>"
    )


class _Box(NamedTuple):
    """A node with its position and its parent's."""

    text: str
    depth: int
    row: float
    side: bool | None = None
    parent_row: float = 0.0


def _below(
    node: AbstractNode, depth: int, free: int, most: int | None, side: bool | None
) -> tuple[list[_Box], int]:
    """(the boxes of a node and those below it, the node's first; the next free row)

    Leaves stand one below the other, other nodes in the middle of those below.
    """
    children: list[tuple[bool, AbstractNode]] = []
    if isinstance(node, NonLeafNode) and (most is None or depth < most):
        both = ((True, node.pos_child), (False, node.neg_child))
        children = [(each, child) for each, child in both if child is not None]
    text = str(node.condition) if isinstance(node, NonLeafNode) else str(node).strip()
    if not children:
        return [_Box(text, depth, free, side)], free + 1
    groups = []
    for each, child in children:
        boxes, free = _below(child, depth + 1, free, most, each)
        groups.append(boxes)
    row = sum(group[0].row for group in groups) / len(groups)
    boxes = [_Box(text, depth, row, side)]
    for first, *others in groups:
        boxes += [first._replace(parent_row=row), *others]
    return boxes, free


def _drawn(box: _Box, sizes: DisplayOptions) -> str:
    """A box, its text, and the edge from its parent."""
    wide, high = sizes.node_x_size or 0, sizes.node_y_size or 0
    across, down, pad = sizes.node_x_offset or 0, sizes.node_y_offset or 0, sizes.node_padding or 0
    x, y = box.depth * across, box.row * down
    edge = ""
    if box.side is not None:
        start, bend = x - across + wide, sizes.edge_rounding or 0
        first, last = box.parent_row * down + high / 2, y + high / 2
        color = "green" if box.side else "red"
        edge = f'<path d="M{start},{first} C{start + bend},{first} {x - bend},{last} {x},{last}" fill="none" stroke="{color}"/>'
    text = html.escape(box.text)
    return (
        f'{edge}<g><title>{text}</title><svg x="{x}" y="{y}" width="{wide}" height="{high}">'
        f'<rect width="100%" height="100%" fill="#eee"/><text x="{pad}" y="60%">{text}</text></svg></g>'
    )
