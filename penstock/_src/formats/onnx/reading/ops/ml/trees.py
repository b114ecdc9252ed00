"""TreeEnsemble, and the regressors and classifiers of trees before it."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.ml import forests
from penstock._src.formats.onnx.reading.ops.ml.encoders import ML
from penstock._src.formats.onnx.reading.ops.ml.forests import Forest
from penstock._src.formats.onnx.reading.ops.ml.scores import (
    KINDS,
    classified,
    classified_in_two,
    labels_of,
    transformed,
)
from penstock._src.formats.onnx.reading.registry import Node, reads

_MODES = {
    "BRANCH_LEQ": forests.LESS_EQUAL,
    "BRANCH_LT": forests.LESS,
    "BRANCH_GTE": forests.GREATER_EQUAL,
    "BRANCH_GT": forests.GREATER,
    "BRANCH_EQ": forests.EQUAL,
    "BRANCH_NEQ": forests.NOT_EQUAL,
}
_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")  # by the numbers of `forests`


@reads("TreeEnsemble", domain=ML)
def _tree_ensemble(n: Node, x: Any) -> Any:
    """Trees whose leaves each give one weight to one target."""
    forest = _forest_of_leaves(n)
    aggregate, kind = n.attr("aggregate_function", 1), n.attr("post_transform", 0)
    if not 0 <= aggregate < len(_AGGREGATES) or not 0 <= kind < len(KINDS):
        raise InvalidArgumentError(f"aggregate_function {aggregate} or post_transform {kind} is unknown.")  # fmt: skip
    return transformed(KINDS[kind], forest.results(x, aggregate))


def _forest_of_leaves(n: Node) -> Forest:
    weights = n.attr("leaf_weights")
    targets = np.array(n.attr("leaf_targetids"), np.int64)
    if len(targets) != len(weights):
        raise InvalidArgumentError("the arrays of leaves have different lengths.")
    outputs = n.attr("n_targets", int(targets.max(initial=0)) + 1)
    if np.any((targets < 0) | (targets >= outputs)):
        raise InvalidArgumentError("the target of a leaf is out of range.")
    features = np.array(n.attr("nodes_featureids"), np.int64)
    count = len(features)
    rows = np.arange(len(targets))
    values = np.zeros((len(targets), outputs), weights.dtype)
    present = np.zeros(values.shape, bool)
    values[rows, targets], present[rows, targets] = weights, True
    roots = np.array(n.attr("tree_roots"), np.int64)
    if np.any(roots < 0):
        raise InvalidArgumentError("a root is out of range.")
    forest = Forest(
        features=features,
        modes=n.attr("nodes_modes").astype(np.int64),
        splits=n.attr("nodes_splits"),
        trues=_children(n, "true", count, len(targets)),
        falses=_children(n, "false", count, len(targets)),
        missing=np.array(n.attr("nodes_missing_value_tracks_true", [0] * count), bool),
        roots=roots,
        values=values,
        present=present,
        members=_members(n),
    )
    forest.check()
    return forest


def _children(n: Node, side: str, count: int, leaves: int) -> np.ndarray:
    ids = np.array(n.attr(f"nodes_{side}nodeids"), np.int64)
    is_leaf = np.array(n.attr(f"nodes_{side}leafs"), bool)
    if len(ids) != count or len(is_leaf) != count:
        raise InvalidArgumentError("the arrays of nodes have different lengths.")
    if np.any(ids < 0) or np.any(ids >= np.where(is_leaf, leaves, count)):
        raise InvalidArgumentError("a child of a node is out of range.")
    return np.where(is_leaf, -1 - ids, ids)


def _members(n: Node) -> list[np.ndarray]:
    """The sets of nodes that test membership, in their order; NaN ends each."""
    values = n.attr("membership_values") if n.has("membership_values") else np.zeros(0)
    ends = np.flatnonzero(np.isnan(values))
    return [part[~np.isnan(part)] for part in np.split(values, ends + 1)]


@reads("TreeEnsembleRegressor", domain=ML)
def _tree_ensemble_regressor(n: Node, x: Any) -> Any:
    outputs, name = n.attr("n_targets", 1), n.attr("aggregate_function", "SUM")
    if name not in _AGGREGATES:
        raise InvalidArgumentError(f"the aggregate_function '{name}' is unknown.")
    forest = _forest_of_ids(n, "target", outputs)
    y = forest.results(x, _AGGREGATES.index(name))
    y = raw.AddV2(y, t.like(_base(n, outputs), y))
    return transformed(n.attr("post_transform", "NONE"), t.cast(y, dtypes.float32))


@reads("TreeEnsembleClassifier", domain=ML)
def _tree_ensemble_classifier(n: Node, x: Any) -> Any:
    labels, kind = labels_of(n), n.attr("post_transform", "NONE")
    if kind not in KINDS:
        raise InvalidArgumentError(f"post_transform '{kind}' is unknown.")
    ids = set(n.attr("class_ids"))
    if len(labels) == 2 and len(ids) == 1:
        return _of_one_class(n, x, labels, kind, ids.pop())
    forest = _forest_of_ids(n, "class", len(labels))
    y = forest.results(x, forests.SUM)
    scores = t.cast(raw.AddV2(y, t.like(_base(n, len(labels)), y)), dtypes.float32)
    if len(labels) > 2:
        return classified(labels, scores, kind)
    if not forest.present.all():
        raise UnimplementedError("a classifier of two classes with leaves that give to one of them")
    # ONNX Runtime takes the second label if its score is positive, whatever the first one's is.
    second = t.slice_along(scores, 1, 1, 2)
    label, _ = classified_in_two(labels, second, "NONE", rest=False)
    return label, transformed(kind, scores)


def _of_one_class(n: Node, x: Any, labels: np.ndarray, kind: str, only: int) -> Any:
    """Classifies in two classes if all leaves add to the first: ONNX Runtime uses its score for the second class."""
    if only != 0:
        raise UnimplementedError("a classifier of two classes whose leaves all give to the second")
    forest = _forest_of_ids(n, "class", 2)
    base = _base(n, 1)
    y = t.slice_along(forest.results(x, forests.SUM), 1, 0, 1)
    score = t.cast(raw.AddV2(y, t.like(base, y)), dtypes.float32)
    are_shares = not np.any(_numbers(n, "class_weights") < 0)
    rest = are_shares and kind != "LOGISTIC"
    return classified_in_two(labels, score, kind, rest, 0.5 if are_shares else 0.0)


def _base(n: Node, outputs: int) -> np.ndarray:
    """Constants added to the outputs.

    Raises:
      UnimplementedError: there is another number of values than of outputs.
    """
    values = _numbers(n, "base_values")
    if len(values) not in (0, outputs):
        raise UnimplementedError(f"{len(values)} base_values for {outputs} outputs.")
    return values if len(values) else np.zeros(1, np.float32)


def _numbers(n: Node, name: str) -> np.ndarray:
    """Numbers of float32, or those of the attribute that has them as a tensor."""
    if n.has(f"{name}_as_tensor"):
        return n.attr(f"{name}_as_tensor").reshape(-1)
    return np.array(n.attr(name, []), np.float32)


def _forest_of_ids(n: Node, side: str, outputs: int) -> Forest:
    """Trees whose nodes and leaves have pairs of ids, and whose leaves may give to several outputs.

    Args:
      n: the node.
      side: "target" or "class": the prefix of the attributes of leaves.
      outputs: how many there are.
    """
    keys = list(zip(n.attr("nodes_treeids"), n.attr("nodes_nodeids"), strict=True))
    modes = n.attr("nodes_modes")
    numbers, leaves = _numbering(keys, modes)
    is_inner = np.array([mode != "LEAF" for mode in modes], bool)
    values, present = _leaf_values(n, side, leaves, outputs)

    def inner(entries: Any) -> np.ndarray:
        if len(entries) != len(keys):
            raise InvalidArgumentError("the arrays of nodes have different lengths.")
        return np.asarray(entries)[is_inner]

    def children(name: str) -> np.ndarray:
        ids = n.attr(name)
        places = [numbers.get((tree, at)) for (tree, _), at in zip(keys, ids, strict=True)]
        if any(p is None for p in inner(np.array(places, object))):
            raise InvalidArgumentError("a child of a node is missing.")
        return inner(np.array(places, object)).astype(np.int64)

    unknown = {mode for mode in modes if mode != "LEAF"} - set(_MODES)
    if unknown:
        raise InvalidArgumentError(f"the mode '{unknown.pop()}' of a node is unknown.")
    trues, falses = children("nodes_truenodeids"), children("nodes_falsenodeids")
    forest = Forest(
        features=inner(n.attr("nodes_featureids")).astype(np.int64),
        modes=np.array([_MODES[mode] for mode in modes if mode != "LEAF"], np.int64),
        splits=inner(_numbers(n, "nodes_values")),
        trues=trues,
        falses=falses,
        missing=inner(n.attr("nodes_missing_value_tracks_true", None) or [0] * len(keys)).astype(
            bool
        ),
        roots=_roots(keys, numbers, {*trues.tolist(), *falses.tolist()}),
        values=values,
        present=present,
    )
    forest.check()
    return forest


def _numbering(keys: list[Any], modes: list[str]) -> tuple[dict[Any, int], dict[Any, int]]:
    """The number of each inner node, and -1 - that of each leaf, by their ids; and the leaves' own numbers."""
    numbers: dict[Any, int] = {}
    leaves: dict[Any, int] = {}
    for key, mode in zip(keys, modes, strict=True):
        if key in numbers:
            raise InvalidArgumentError(f"the ids {key} of a node are there twice.")
        if mode == "LEAF":
            leaves[key] = len(leaves)
            numbers[key] = -1 - leaves[key]
        else:
            numbers[key] = len(numbers) - len(leaves)
    return numbers, leaves


def _leaf_values(
    n: Node, side: str, leaves: dict[Any, int], outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Contributions of leaves to outputs, and a mask of those that contribute, [leaves, outputs]."""
    weights = _numbers(n, f"{side}_weights")
    values = np.zeros((len(leaves), outputs), weights.dtype)
    present = np.zeros(values.shape, bool)
    ids = (n.attr(f"{side}_treeids"), n.attr(f"{side}_nodeids"), n.attr(f"{side}_ids"))
    for tree, at, output, weight in zip(*ids, weights, strict=True):
        leaf = leaves.get((tree, at))
        if leaf is None or not 0 <= output < outputs:
            raise InvalidArgumentError(f"a weight is of a leaf ({tree}, {at}) or of an output {output} that does not exist.")  # fmt: skip
        values[leaf, output] += weight
        present[leaf, output] = True
    return values, present


def _roots(keys: list[Any], numbers: dict[Any, int], children: set[int]) -> np.ndarray:
    """The node of each tree that is not a child, in the order of trees."""
    roots: dict[int, int] = {}
    for key in keys:
        if numbers[key] in children:
            continue
        if key[0] in roots:
            raise InvalidArgumentError(f"the tree {key[0]} has several roots.")
        roots[key[0]] = numbers[key]
    if len(roots) != len({tree for tree, _ in keys}):
        raise InvalidArgumentError("the trees have a circle.")
    return np.array(list(roots.values()), np.int64)
