"""Models that LightGBM saves: texts of lines `key=value`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.ops.trees.tables import BITS
from penstock._src.trees.ensemble import Ensemble, Feature
from penstock._src.trees.readers.forest import Forest

_LINKS = {
    **dict.fromkeys("binary multiclassova multiclass_ova cross_entropy xentropy".split(), "sigmoid"),
    **dict.fromkeys("multiclass softmax".split(), "softmax"),
    **dict.fromkeys("poisson gamma tweedie".split(), "exp"),
    **dict.fromkeys("cross_entropy_lambda xentlambda".split(), "softplus"),
    **dict.fromkeys(
        "regression regression_l1 regression_l2 huber fair quantile mape lambdarank rank_xendcg custom".split(),
        "identity",
    ),
}  # fmt: skip
# Bits of a node's decision_type.
_CATEGORICAL, _DEFAULT_LEFT, _MISSING = 1, 2, 2
_NONE, _ZERO, _NAN = range(3)  # what counts as missing
_HEAD = b"tree\n"


def recognized(head: bytes) -> bool:
    """True if a file that begins so may be a model of LightGBM."""
    return head.replace(b"\r\n", b"\n").startswith(_HEAD)


def read(data: bytes) -> Ensemble:
    """Returns the ensemble of a file's bytes.

    Raises:
      ValueError, KeyError, IndexError: the bytes are damaged.
      UnimplementedError: the model is of a kind that is not implemented.
    """
    head, *trees = _sections(data.decode())
    objective = head.get("objective", "custom").split()
    if objective[0] not in _LINKS:
        raise UnimplementedError(f"LightGBM's objective {objective[0]!r} is not implemented.")
    options = dict(part.split(":", 1) for part in objective[1:] if ":" in part)
    link = _LINKS[objective[0]]
    if "sqrt" in objective[1:]:
        link = "signed square"
    slope = float(options.get("sigmoid", 1.0)) if link == "sigmoid" else 1.0
    per_round, count = int(head["num_tree_per_iteration"]), int(head["max_feature_idx"]) + 1
    if per_round < 1 or len(trees) % per_round:
        raise ValueError("There are not as many trees for each class.")
    names = head["feature_names"].split()
    if len(names) != count:
        raise ValueError(f"There are {len(names)} names of {count} features.")
    forest, zeros, others = Forest(np.float64, strict=False), set[int](), set[int]()
    for number, tree in enumerate(trees):
        kinds = _add(forest, tree, number % per_round)
        zeros |= kinds.get(_ZERO, set())
        others |= kinds.get(_NAN, set())
    if zeros & others:
        raise UnimplementedError(
            "LightGBM's features whose zeros are missing in some trees only are not implemented."
        )
    features = tuple([Feature(n, zero_is_missing=i in zeros) for i, n in enumerate(names)])
    rounds = len(trees) // per_round if "average_output" in head else 1
    tables = forest.tables(count, per_round)
    base = np.zeros(per_round)
    return Ensemble("LightGBM", features, tables, base, "float64", link, max(rounds, 1), slope)


def _sections(text: str) -> Iterator[Mapping[str, str]]:
    """The head, and each tree, as the lines' values by their keys.

    Raises:
      ValueError: the text ends before the trees do.
    """
    lines: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition("=")
        if key == "end of trees":
            yield lines
            return
        if key == "Tree":
            yield lines
            lines = {}
        if key:
            lines[key] = value
    raise ValueError("The file ends before the trees do.")


def _add(forest: Forest, tree: Mapping[str, str], target: int) -> dict[int, set[int]]:
    """Adds a tree; returns the features that nodes compare, by the values that count as missing there."""
    if int(tree.get("is_linear", 0)):
        raise UnimplementedError("LightGBM's trees with linear functions in leaves are not implemented.")  # fmt: skip
    leaves = int(tree["num_leaves"])

    def numbers(key: str, count: int, kind: type) -> np.ndarray:
        array = np.array(tree[key].split(), kind) if count else np.zeros(0, kind)
        if len(array) != count:
            raise ValueError(f"A tree has {len(array)} numbers of {key}, and {leaves} leaves.")
        return array

    inner = leaves - 1
    children = [numbers(f"{side}_child", inner, np.int64) for side in ("left", "right")]
    feature, kind = (numbers(k, inner, np.int64) for k in ("split_feature", "decision_type"))
    threshold, values = (
        numbers("threshold", inner, np.float64),
        numbers("leaf_value", leaves, np.float64),
    )
    is_set, missing = (kind & _CATEGORICAL).astype(bool), kind >> _MISSING & 3
    # If nothing is missing, NaN counts as zero.
    missing_left = (
        np.where(missing == _NONE, threshold >= 0.0, (kind & _DEFAULT_LEFT) > 0) & ~is_set
    )
    sets = np.full(leaves + inner, -1)
    if is_set.any():
        count = int(tree["num_cat"])
        bounds = numbers("cat_boundaries", count + 1, np.int64)
        words = np.array(tree["cat_threshold"].split(), np.int64)
        if (
            (words >> BITS).any()
            or bounds[0]
            or bounds[-1] != len(words)
            or (np.diff(bounds) < 0).any()
        ):
            raise ValueError("A tree's categories are damaged.")
        for node in np.flatnonzero(is_set):
            number = int(threshold[node])
            if not 0 <= number < count:
                raise ValueError("A node has categories that do not exist.")
            sets[node] = forest.add_bits(words[bounds[number] : bounds[number + 1]])
    # Leaves, which are negative numbers there, come after the nodes.
    pad = np.full(leaves, -1)
    sides = [np.concatenate([np.where(c < 0, inner + ~c, c), pad]) for c in children]
    columns = [
        np.concatenate([c, np.zeros(leaves, c.dtype)]) for c in (feature, threshold, missing_left)
    ]
    forest.add(*sides, *columns, np.concatenate([np.zeros(inner), values])[:, None], target, sets)
    return {k: set(feature[(missing == k) & ~is_set].tolist()) for k in (_ZERO, _NAN)}
