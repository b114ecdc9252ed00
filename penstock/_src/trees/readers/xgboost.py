"""Models that XGBoost saves: JSON, or Universal Binary JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.trees.ensemble import Ensemble, Feature
from penstock._src.trees.readers import ubjson
from penstock._src.trees.readers.forest import Forest

# Objectives: the link, and what makes a margin of the base score.
_OBJECTIVES = {
    "reg:squarederror": ("identity", "identity"),
    "reg:squaredlogerror": ("identity", "identity"),
    "reg:pseudohubererror": ("identity", "identity"),
    "reg:absoluteerror": ("identity", "identity"),
    "reg:quantileerror": ("identity", "identity"),
    "reg:expectileerror": ("identity", "identity"),
    "reg:logistic": ("sigmoid", "logit"),
    "binary:logistic": ("sigmoid", "logit"),
    "binary:logitraw": ("identity", "identity"),
    "binary:hinge": ("positive", "identity"),
    "multi:softprob": ("softmax", "identity"),
    "multi:softmax": ("largest", "identity"),
    "count:poisson": ("exp", "log"),
    "reg:gamma": ("exp", "log"),
    "reg:tweedie": ("exp", "log"),
    "survival:cox": ("exp", "log"),
    "survival:aft": ("exp", "log"),
    "rank:pairwise": ("identity", "identity"),
    "rank:ndcg": ("identity", "identity"),
    "rank:map": ("identity", "identity"),
}
_START = 64  # bytes that say of what format a file is


def recognized(head: bytes) -> bool:
    """True if a file that begins so may be a model of XGBoost."""
    text = head[:_START].lstrip()
    return text.startswith(b"{") and b"learner" in head or b"\x07learner" in head


def read(data: bytes) -> Ensemble:
    """Returns the ensemble of a file's bytes.

    Raises:
      ValueError, KeyError, IndexError, TypeError: the bytes are damaged.
      UnimplementedError: the model is of a kind that is not implemented.
    """
    is_text = data.lstrip()[1:].lstrip()[:1] == b'"'
    learner = (json.loads(data) if is_text else ubjson.decode(data))["learner"]
    objective = learner["objective"]["name"]
    if objective not in _OBJECTIVES:
        raise UnimplementedError(f"XGBoost's objective {objective!r} is not implemented.")
    link, margin = _OBJECTIVES[objective]
    facts = learner["learner_model_param"]
    sums = max(int(facts["num_class"]), int(facts.get("num_target", 1)), 1)
    features = _features(learner, int(facts["num_feature"]))
    base = np.broadcast_to(_margin(_scores(facts["base_score"]), margin), (sums,))
    model, weights = _booster(learner["gradient_booster"])
    forest = Forest(np.float32, strict=True)
    targets = model["tree_info"]
    for tree, target, weight in zip(model["trees"], targets, weights, strict=True):
        _add(forest, tree, int(target), weight)
    tables = forest.tables(len(features), sums)
    return Ensemble("XGBoost", features, tables, base.copy(), "float32", link)


def _booster(booster: Mapping[str, Any]) -> tuple[Mapping[str, Any], np.ndarray]:
    """(the model of trees, each tree's weight)"""
    name = booster["name"]
    if name == "dart":
        return booster["gbtree"]["model"], np.asarray(booster["weight_drop"], np.float32)
    if name != "gbtree":
        raise UnimplementedError(f"XGBoost's booster {name!r} is not implemented: it has no trees.")
    return booster["model"], np.ones(len(booster["model"]["trees"]), np.float32)


def _features(learner: Mapping[str, Any], count: int) -> tuple[Feature, ...]:
    names = list(learner.get("feature_names") or ())
    if names and len(names) != count:
        raise ValueError(f"There are {len(names)} names of {count} features.")
    return tuple([Feature(str(name)) for name in names or map(str, range(count))])


def _scores(text: str) -> np.ndarray:
    """The base scores, which newer versions write as a list."""
    return np.asarray(json.loads(text) if "[" in text else float(text), np.float32).reshape(-1)


def _margin(score: np.ndarray, name: str) -> np.ndarray:
    """The initial value of trees' sums."""
    with np.errstate(all="ignore"):
        if name == "logit":
            return -_log(1 / score - 1)
        return _log(score) if name == "log" else score


def _log(x: np.ndarray) -> np.ndarray:
    """The logarithm rounded to the nearest float32, as C's; NumPy's is one further at times."""
    return np.log(x.astype(np.float64)).astype(np.float32)


def _add(forest: Forest, tree: Mapping[str, Any], target: int, weight: np.float32) -> None:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise UnimplementedError("XGBoost's trees with several values of a leaf are not implemented.")  # fmt: skip
    left, right = (np.asarray(tree[f"{side}_children"], np.int64) for side in ("left", "right"))
    missing_left = np.asarray(tree["default_left"]).astype(bool)
    conditions = np.asarray(tree["split_conditions"], np.float32)
    sets = np.full(len(left), -1)
    bounds = (np.asarray(tree.get(f"categories_{k}", ()), np.int64) for k in ("nodes", "segments", "sizes"))  # fmt: skip
    for node, low, size in zip(*bounds, strict=True):
        sets[node] = forest.add_set(tree["categories"][low : low + size])
    # A category of a set goes right there, and left here.
    has_set = sets >= 0
    children = np.where(has_set, right, left), np.where(has_set, left, right)
    values = (conditions * weight)[:, None]
    forest.add(*children, np.asarray(tree["split_indices"]), np.where(has_set, 0, conditions), missing_left ^ has_set,
               values, target, sets)  # fmt: skip
