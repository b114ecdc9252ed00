"""Steps of optimizers, and the operators of ai.onnx.ml for tables: encoders, trees, linear models."""

from typing import Any

import numpy as np

from penstock._src.api.gradients import gradients
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads

_TRAINING = "ai.onnx.preview.training"
_ML = "ai.onnx.ml"


def _scaled(value: float, x: Any) -> Any:
    return raw.Mul(t.like(value, x), x)


def _parts(inputs: tuple[Any, ...], count: int) -> list[tuple[Any, ...]]:
    """Inputs that come in groups of `count`: for each variable one of every group."""
    if len(inputs) % count:
        raise InvalidArgumentError(f"{len(inputs)} inputs do not form groups of {count}.")
    size = len(inputs) // count
    return list(zip(*(inputs[k * size : (k + 1) * size] for k in range(count))))


def _by_group(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(value for group in zip(*rows) for value in group)


@reads("Gradient", domain=_TRAINING)
def _gradient(n: Node, *inputs: Any) -> Any:
    """The gradient of a value of the graph by the first inputs; the others are its further dependencies."""
    count = len(n.attr("xs"))
    slopes = gradients(n.translation.scope[n.attr("y")], list(inputs[:count]))
    return tuple(raw.ZerosLike(x) if g is None else g for g, x in zip(slopes, inputs))


@reads("Momentum", domain=_TRAINING)
def _momentum(n: Node, rate: Any, step: Any, *inputs: Any) -> Any:
    alpha, beta, decay = n.attr("alpha"), n.attr("beta"), n.attr("norm_coefficient")
    nesterov = n.attr("mode") == "nesterov"
    first = raw.Equal(step, t.like(0, step))
    rows = []
    for x, g, v in _parts(inputs, 3):
        g = raw.AddV2(_scaled(decay, x), g)
        share = raw.SelectV2(first, t.like(1, g), t.like(beta, g))
        v = raw.AddV2(_scaled(alpha, v), raw.Mul(share, g))
        move = raw.AddV2(g, _scaled(alpha, v)) if nesterov else v
        rows.append((raw.Sub(x, raw.Mul(t.cast(rate, x.dtype), move)), v))
    return _by_group(rows)


@reads("Adagrad", domain=_TRAINING)
def _adagrad(n: Node, rate: Any, step: Any, *inputs: Any) -> Any:
    decay, epsilon = n.attr("norm_coefficient", 0.0), n.attr("epsilon", 0.0)
    slow = _scaled(n.attr("decay_factor", 0.0), t.cast(step, rate.dtype))
    rate = raw.RealDiv(rate, raw.AddV2(t.like(1, rate), slow))
    rows = []
    for x, g, h in _parts(inputs, 3):
        g = raw.AddV2(_scaled(decay, x), g)
        h = raw.AddV2(h, raw.Square(g))
        adapted = raw.AddV2(raw.Sqrt(h), t.like(epsilon, h))
        rows.append((raw.Sub(x, raw.RealDiv(raw.Mul(t.cast(rate, x.dtype), g), adapted)), h))
    return _by_group(rows)


@reads("Adam", domain=_TRAINING)
def _adam(n: Node, rate: Any, step: Any, *inputs: Any) -> Any:
    alpha, beta = n.attr("alpha", 0.9), n.attr("beta", 0.999)
    before, after = n.attr("norm_coefficient", 0.0), n.attr("norm_coefficient_post", 0.0)
    epsilon = n.attr("epsilon", 0.0)
    time = t.cast(step, rate.dtype)
    bias = raw.RealDiv(
        raw.Sqrt(raw.Sub(t.like(1, rate), raw.Pow(t.like(beta, rate), time))),
        raw.Sub(t.like(1, rate), raw.Pow(t.like(alpha, rate), time)),
    )
    started = raw.Greater(step, t.like(0, step))
    rate = raw.SelectV2(started, raw.Mul(rate, bias), rate)
    rows = []
    for x, g, v, h in _parts(inputs, 4):
        g = raw.AddV2(_scaled(before, x), g)
        v = raw.AddV2(_scaled(alpha, v), _scaled(1 - alpha, g))
        h = raw.AddV2(_scaled(beta, h), _scaled(1 - beta, raw.Square(g)))
        move = raw.RealDiv(v, raw.AddV2(raw.Sqrt(h), t.like(epsilon, h)))
        x = raw.Sub(x, raw.Mul(t.cast(rate, x.dtype), move))
        rows.append((_scaled(1 - after, x), v, h))
    return _by_group(rows)


@reads("Binarizer", domain=_ML)
def _binarizer(n: Node, x: Any) -> Any:
    return t.cast(raw.Greater(x, t.like(n.attr("threshold", 0.0), x)), x.dtype)


@reads("Scaler", domain=_ML)
def _scaler(n: Node, x: Any) -> Any:
    x = t.cast(x, dtypes.float32)
    return raw.Mul(raw.Sub(x, t.like(n.attr("offset"), x)), t.like(n.attr("scale"), x))


@reads("LabelEncoder", domain=_ML)
def _label_encoder(n: Node, x: Any) -> Any:
    keys, values = _table(n, "keys"), _table(n, "values")
    if len(keys) != len(values):
        raise InvalidArgumentError(f"{len(keys)} keys do not fit {len(values)} values.")
    default = _default_label(n, values)
    every = t.like(keys, x)
    wide = t.expand_dims(x, [t.rank(x)])
    hits = raw.Equal(wide, every)
    if x.dtype.is_floating:
        hits = raw.LogicalOr(hits, raw.LogicalAnd(raw.IsNan(wide), raw.IsNan(every)))
    # The last one of equal keys counts.
    order = raw.Mul(t.cast(hits, dtypes.int32), np.arange(1, len(keys) + 1, dtype=np.int32))
    place = raw.Max(order, np.int32(-1))
    table = np.concatenate([default.astype(values.dtype).reshape(1), values])
    return t.batched_gather(raw_constant(table), place, 0)


def raw_constant(values: np.ndarray) -> Any:
    """A constant of an array of numbers or bytes."""
    return t.constant(values, dtypes.as_dtype(values.dtype))


def _table(n: Node, side: str) -> np.ndarray:
    """The keys or values of an encoder."""
    if n.has(f"{side}_tensor"):
        return n.attr(f"{side}_tensor").reshape(-1)
    if n.has(f"{side}_strings"):
        return np.array([s.encode() for s in n.attr(f"{side}_strings")], object)
    if n.has(f"{side}_int64s"):
        return np.array(n.attr(f"{side}_int64s"), np.int64)
    return np.array(n.attr(f"{side}_floats"), np.float32)


def _default_label(n: Node, values: np.ndarray) -> np.ndarray:
    if n.has("default_tensor"):
        return n.attr("default_tensor")
    if values.dtype == np.object_:
        return np.array(n.attr("default_string", "_Unused").encode(), object)
    if values.dtype.kind in "iu":
        return np.array(n.attr("default_int64", -1))
    return np.array(n.attr("default_float", -0.0))


_LESS_EQUAL, _LESS, _GREATER_EQUAL, _GREATER, _EQUAL, _NOT_EQUAL, _MEMBER = range(7)


@reads("TreeEnsemble", domain=_ML)
def _tree_ensemble(n: Node, x: Any) -> Any:
    """Walks all trees at once, one level in each step."""
    forest = _Forest(n)
    rows, roots = t.extents(x)[0], forest.roots
    leaf = raw.BroadcastTo(t.int64(roots), t.vector([rows, len(roots)]))  # coded as in _Forest
    for _ in range(forest.depth):
        inner = raw.GreaterEqual(leaf, t.int64(0))
        node = raw.Maximum(leaf, t.int64(0))
        feature = t.batched_gather(t.int64(forest.features), node, 0)
        value = raw.GatherV2(x, feature, np.int32(1), batch_dims=1)
        true = forest.decide(node, value)
        following = raw.SelectV2(
            true,
            t.batched_gather(t.int64(forest.trues), node, 0),
            t.batched_gather(t.int64(forest.falses), node, 0),
        )
        leaf = raw.SelectV2(inner, following, leaf)
    leaf = raw.Sub(t.int64(-1), leaf)
    weights = t.batched_gather(t.like(forest.weights, x), leaf, 0)  # [rows, trees]
    targets = t.batched_gather(t.int64(forest.targets), leaf, 0)
    hits = raw.Equal(t.expand_dims(targets, [2]), t.int64(np.arange(forest.outputs)))
    spread = t.expand_dims(weights, [2])
    kind = n.attr("aggregate_function", 1)
    if kind in (0, 1):
        y = raw.Sum(raw.SelectV2(hits, spread, t.like(0, x)), np.int32(1))
        y = raw.RealDiv(y, t.like(len(roots), x)) if kind == 0 else y
    else:
        limit = np.inf if kind == 2 else -np.inf
        reduce = raw.Min if kind == 2 else raw.Max
        y = reduce(raw.SelectV2(hits, spread, t.like(limit, x)), np.int32(1))
    return _transformed(n.attr("post_transform", 0), y)


def _transformed(kind: int, y: Any) -> Any:
    if kind == 0:
        return y
    if kind == 1:
        return raw.Softmax(y)
    if kind == 2:
        return raw.Sigmoid(y)
    raise UnimplementedError(f"post_transform {kind} is not supported.")


class _Forest:
    """The trees of a node: children are numbers of nodes, or -1 - number of a leaf."""

    def __init__(self, n: Node) -> None:
        self.features = np.array(n.attr("nodes_featureids"), np.int64)
        self.modes = n.attr("nodes_modes").astype(np.int64)
        self.splits = n.attr("nodes_splits")
        count = len(self.features)
        self.trues = self._children(n, "true", count)
        self.falses = self._children(n, "false", count)
        self.missing = np.array(n.attr("nodes_missing_value_tracks_true", [0] * count), bool)
        self.weights = n.attr("leaf_weights")
        self.targets = np.array(n.attr("leaf_targetids"), np.int64)
        self.outputs: int = n.attr("n_targets", int(self.targets.max(initial=0)) + 1)
        self.roots = np.array(n.attr("tree_roots"), np.int64)
        self.members = self._members(n)
        lengths = {len(self.modes), len(self.splits), len(self.missing)}
        if lengths != {count} or len(self.targets) != len(self.weights):
            raise InvalidArgumentError("the arrays of nodes or leaves have different lengths.")
        if np.any((self.roots < 0) | (self.roots >= count)) or np.any(self.features < 0):
            raise InvalidArgumentError("a root or feature is out of range.")
        self.depth = self._depth()

    def _children(self, n: Node, side: str, count: int) -> np.ndarray:
        ids = np.array(n.attr(f"nodes_{side}nodeids"), np.int64)
        leaves = np.array(n.attr(f"nodes_{side}leafs"), bool)
        weights = len(n.attr("leaf_weights"))
        if len(ids) != count or len(leaves) != count:
            raise InvalidArgumentError("the arrays of nodes have different lengths.")
        if np.any(ids < 0) or np.any(ids >= np.where(leaves, weights, count)):
            raise InvalidArgumentError("a child of a node is out of range.")
        return np.where(leaves, -1 - ids, ids)

    def _members(self, n: Node) -> list[np.ndarray]:
        """The sets of nodes that test membership, in their order; NaN ends each."""
        values = (
            n.attr("membership_values", np.zeros(0)) if n.has("membership_values") else np.zeros(0)
        )
        ends = np.flatnonzero(np.isnan(values))
        return [part[~np.isnan(part)] for part in np.split(values, ends + 1)]

    def _depth(self) -> int:
        level, depth = set(self.roots.tolist()), 0
        while level:
            depth += 1
            if depth > len(self.features):
                raise InvalidArgumentError("the trees have a circle.")
            level = {
                int(child)
                for node in level
                for child in (self.trues[node], self.falses[node])
                if child >= 0
            }
        return depth

    def decide(self, node: Any, value: Any) -> Any:
        """True if values pass the tests of their nodes."""
        split = t.batched_gather(t.like(self.splits, value), node, 0)
        mode = t.batched_gather(t.int64(self.modes), node, 0)
        compare = {
            _LESS_EQUAL: raw.LessEqual,
            _LESS: raw.Less,
            _GREATER_EQUAL: raw.GreaterEqual,
            _GREATER: raw.Greater,
            _EQUAL: raw.Equal,
            _NOT_EQUAL: raw.NotEqual,
        }
        decision = t.constant(False, dtypes.bool_)
        for number in sorted(set(self.modes.tolist())):
            if number == _MEMBER:
                result = self._is_member(node, value)
            elif number in compare:
                result = compare[number](value, split)
            else:
                raise InvalidArgumentError(f"the mode {number} of a node is unknown.")
            decision = raw.SelectV2(raw.Equal(mode, t.int64(number)), result, decision)
        tracks = t.batched_gather(t.constant(self.missing, dtypes.bool_), node, 0)
        return raw.LogicalOr(decision, raw.LogicalAnd(raw.IsNan(value), tracks))

    def _is_member(self, node: Any, value: Any) -> Any:
        owners = np.flatnonzero(self.modes == _MEMBER)
        result = t.constant(False, dtypes.bool_)
        for owner, members in zip(owners, self.members):
            here = raw.Equal(node, t.int64(owner))
            wide = t.expand_dims(value, [t.rank(value)])
            inside = raw.Any(raw.Equal(wide, t.like(members, value)), np.int32(-1))
            result = raw.SelectV2(here, inside, result)
        return result
