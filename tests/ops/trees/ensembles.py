"""Ensembles that are drawn: the tables of TreeEnsemble."""

from collections.abc import Sequence
from typing import Any

import numpy as np

NAMES = "roots targets feature threshold left right missing_left set_of set_offsets set_words values".split()


def draw(
    sizes: Sequence[int],
    features: int = 5,
    sets: float = 0.0,
    width: int = 1,
    sums: int = 1,
    dtype: Any = np.float32,
    values: Any = np.float32,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Returns the tables of trees with so many leaves each.

    Args:
      sizes: leaves of each tree.
      features: that nodes test.
      sets: the share of nodes that test whether a category is in a set.
      width: values of a leaf.
      sums: that trees add to.
      dtype: of thresholds.
      values: the type of leaves' values.
      seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    tables: dict[str, list[Any]] = {name: [] for name in NAMES}
    tables["set_offsets"].append(0)
    leaves = 0
    for size in sizes:
        root = len(tables["feature"])
        tables["roots"].append(root)
        tables["targets"].append(rng.integers(sums - width + 1))
        nodes: list[dict[str, Any]] = [_leaf()]
        ends = [0]
        while len(ends) < size:
            children = [len(nodes), len(nodes) + 1]
            node = ends.pop(rng.integers(len(ends)))
            nodes[node] = {
                "feature": rng.integers(features),
                "threshold": round(rng.normal(), 1),
                "left": root + children[0],
                "right": root + children[1],
                "missing_left": rng.random() < 0.5,
                "set_of": -1,
            }
            if rng.random() < sets:
                nodes[node]["set_of"] = len(tables["set_offsets"]) - 1
                words = rng.integers(0, 1 << 32, rng.integers(1, 4), np.uint32)
                tables["set_words"] += list(words)
                tables["set_offsets"].append(len(tables["set_words"]))
            ends += children
            nodes += [_leaf(), _leaf()]
        for node in nodes:
            if node["feature"] < 0:
                node["left"], leaves = leaves, leaves + 1
            for name, number in node.items():
                tables[name].append(number)
    types = {"threshold": dtype, "missing_left": bool, "set_words": np.uint32}
    arrays = {name: np.array(held, types.get(name, np.int32)) for name, held in tables.items()}
    return arrays | {"values": rng.normal(size=(leaves, width)).astype(values)}


def _leaf() -> dict[str, Any]:
    return {"feature": -1, "threshold": 0.0, "left": 0, "right": -1, "missing_left": False, "set_of": -1}  # fmt: skip


def rows(
    count: int, features: int = 5, dtype: Any = np.float32, missing: float = 0.1
) -> np.ndarray:
    """Returns rows that often hit a threshold exactly, and have categories and missing numbers."""
    rng = np.random.default_rng(count)
    x = np.round(rng.normal(size=(count, features)), 1).astype(dtype)
    x[rng.random(x.shape) < 0.3] *= 20
    x[rng.random(x.shape) < missing] = np.nan
    x[rng.random(x.shape) < 0.02] = np.inf
    return x
