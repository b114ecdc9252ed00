"""Trees as pictures in pages."""

from __future__ import annotations

from typing import Any

__all__ = ["plot_model", "plot_model_in_colab"]


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
