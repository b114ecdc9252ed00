"""Dual ascent over a batch of examples, and the L1 shrinkage of weights."""

import contextlib
from typing import Any, ClassVar, Literal

import numpy as np

from penstock._src.core.calls.facts import Definition, Effects
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.dual_ascent.losses import LOSSES, Loss

# Columns of an example's state.
_DUAL, _PRIMAL_LOSS, _DUAL_LOSS, _WEIGHT = range(4)
_STATE_SIZE = 4


# Shuffles each pass differently, but equally in every process.
_DRAW = np.random.default_rng(0)


def shrunk(weights: np.ndarray, by: float) -> np.ndarray:
    """Soft thresholding: the weights moved towards 0 by up to `by`."""
    return np.sign(weights) * np.maximum(np.abs(weights) - by, 0.0)


class _Group:
    """One group of features: its weights, their changes, and the feature values of the examples."""

    def __init__(self, weights: np.ndarray, shrinkage: float) -> None:
        self.weights, self.shrinkage = np.asarray(weights, np.float64), shrinkage
        self.deltas = np.zeros_like(self.weights)

    def places(self, example: int) -> tuple[Any, np.ndarray]:
        """(indices of weights, feature values)."""
        raise NotImplementedError

    def margins(self, example: int, partitions: int) -> tuple[float, float, float]:
        """The group's contributions to the margin, to the margin with the changes, and to the squared norm."""
        at, values = self.places(example)
        before = self.weights[at]
        after = before + self.deltas[at] * partitions
        return (
            float(values @ shrunk(before, self.shrinkage)),
            float(values @ shrunk(after, self.shrinkage)),
            float(values @ values),
        )

    def move(self, example: int, by: float) -> None:
        """Adds the example's features times `by` to the changes."""
        at, values = self.places(example)
        np.add.at(self.deltas, at, values * by)


class _Dense(_Group):
    def __init__(self, features: np.ndarray, weights: np.ndarray, shrinkage: float) -> None:
        super().__init__(weights, shrinkage)
        self.features = np.asarray(features, np.float64)

    def places(self, example: int) -> tuple[Any, np.ndarray]:
        values = self.features[example]
        return np.arange(values.size), values


class _Sparse(_Group):
    def __init__(
        self,
        examples: np.ndarray,
        features: np.ndarray,
        values: np.ndarray | None,
        ids: np.ndarray,
        weights: np.ndarray,
        shrinkage: float,
    ) -> None:
        super().__init__(weights, shrinkage)
        order = np.argsort(examples, kind="stable")
        self.examples = examples[order]
        place = {int(one): at for at, one in enumerate(ids)}
        self.at = np.asarray([place[int(one)] for one in features[order]], np.intp)
        ordered = np.ones(len(order)) if values is None else values[order]
        self.values = np.asarray(ordered, np.float64)

    def places(self, example: int) -> tuple[Any, np.ndarray]:
        low, high = np.searchsorted(self.examples, [example, example + 1])
        return self.at[low:high], self.values[low:high]


_SIGNATURE = (
    "sparse_example_indices: num_sparse_features * int64, "
    "sparse_feature_indices: num_sparse_features * int64, "
    "sparse_feature_values: num_sparse_features_with_values * float32, "
    "dense_features: num_dense_features * float32, example_weights: float32, "
    "example_labels: float32, sparse_indices: num_sparse_features * int64, "
    "sparse_weights: num_sparse_features * float32, dense_weights: num_dense_features * float32, "
    "example_state_data: float32 -> out_example_state_data: float32, "
    "out_delta_sparse_weights: num_sparse_features * float32, "
    "out_delta_dense_weights: num_dense_features * float32"
)


class _Optimizer(Op):
    """One pass over a batch: returns the new states of its examples and the changes of the weights.

    Examples are visited in random order; with `adaptive`, they are drawn by how much they can still change. TensorFlow's order
    differs from run to run.
    """

    signature = _SIGNATURE
    loss_type: Literal[
        "logistic_loss", "squared_loss", "hinge_loss", "smooth_hinge_loss", "poisson_loss"
    ]
    l1: float
    l2: float
    num_loss_partitions: int
    num_inner_iterations: int

    minimum = {"num_loss_partitions": 1, "num_inner_iterations": 1}
    differentiable = False
    adapts: ClassVar[str]

    def shape(self, *inputs):
        sparse, dense, state = inputs[7], inputs[8], inputs[9]
        return (
            TensorShape([state[0] if state.rank else None, _STATE_SIZE]),
            list(sparse),
            list(dense),
        )

    def eager(
        self,
        sparse_example_indices,
        sparse_feature_indices,
        sparse_feature_values,
        dense_features,
        example_weights,
        example_labels,
        sparse_indices,
        sparse_weights,
        dense_weights,
        example_state_data,
    ):
        count = example_weights.size
        if example_state_data.shape != (count, _STATE_SIZE):
            extents = ",".join(map(str, example_state_data.shape))
            raise self.invalid(
                f"Expected shape [{count},{_STATE_SIZE}] for example_state_data, got [{extents}]"
            )
        with np.errstate(all="ignore"):
            shrinkage = float(np.float64(self.l1) / np.float64(self.l2))
            sparse = self._sparse_groups(
                sparse_example_indices, sparse_feature_indices, sparse_feature_values,
                sparse_indices, sparse_weights, shrinkage,
            )  # fmt: skip
            dense = [
                _Dense(features, weights.reshape(-1), shrinkage)
                for features, weights in zip(dense_features, dense_weights, strict=True)
            ]
            state = np.array(example_state_data, np.float64)
            self._run([*sparse, *dense], example_weights, example_labels, state)
            return (
                state.astype(np.float32),
                [
                    group.deltas.reshape(weights.shape).astype(np.float32)
                    for group, weights in zip(sparse, sparse_weights, strict=True)
                ],
                [
                    group.deltas.reshape(weights.shape).astype(np.float32)
                    for group, weights in zip(dense, dense_weights, strict=True)
                ],
            )

    def _sparse_groups(self, examples, features, values, ids, weights, shrinkage):
        groups = []
        for i, rows in enumerate(examples):
            group_values = values[i] if i < len(values) else None
            if not np.isin(features[i], ids[i]).all():
                raise self.invalid("Found sparse feature indices out of valid range.")
            group_weights = weights[i].reshape(-1)
            if len(group_weights) < len(ids[i]):
                raise self.invalid("There are fewer sparse weights than indices of them.")
            groups.append(
                _Sparse(rows, features[i], group_values, ids[i], group_weights, shrinkage)
            )
        return groups

    def _run(self, groups, weights, labels, state):
        """Steps over all examples; changes `state` and the groups' deltas."""
        loss = LOSSES[self.loss_type]
        for example in self._order(groups, weights, labels, state, loss):
            weight, label = float(weights[example]), loss.label(float(labels[example]))
            dual = state[example, _DUAL]
            before, margin, norm = _summed(groups, example, self.num_loss_partitions)
            l2 = np.float64(self.l2)
            pull = np.float64(self.num_loss_partitions * weight) * (norm / l2)
            with contextlib.suppress(OverflowError):
                updated = loss.dual(label, dual, margin, pull)
                for group in groups:
                    group.move(example, (updated - dual) * weight / l2)
                state[example] = (
                    updated,
                    loss.primal_loss(before, label) * weight,
                    loss.dual_loss(dual, label) * weight,
                    weight,
                )

    def _order(self, groups, weights, labels, state, loss: Loss):
        """The examples in the order in which they are visited."""
        count = weights.size
        if not self.attrs[self.adapts] or count < 2:
            return _DRAW.permutation(count)
        chances = np.empty(count)
        for example in range(count):
            label = loss.label(float(labels[example]))
            _, margin, norm = _summed(groups, example, self.num_loss_partitions)
            left = abs(state[example, _DUAL] + loss.slope(margin, label))
            reach = np.sqrt(norm + self.l2 * loss.smoothness)
            chances[example] = weights[example] * reach * left
        total = chances.sum()
        if not total > 0:
            return _DRAW.permutation(count)
        return _DRAW.choice(count, size=count, p=chances / total)


def _summed(groups: list[_Group], example: int, partitions: int) -> tuple[float, float, Any]:
    parts = [group.margins(example, partitions) for group in groups]
    before, margin, norm = (
        (sum(column) for column in zip(*parts, strict=True)) if parts else (0.0,) * 3
    )
    return before, margin, np.float64(norm)


class SdcaOptimizerV2(_Optimizer):
    """One pass over a batch of examples."""

    adaptive: bool = False
    adapts = "adaptive"
    definition = Definition(raw_defaults={"adaptive": True})


class SdcaOptimizer(_Optimizer):
    """SdcaOptimizerV2 with the original name of `adaptive`."""

    adaptative: bool = False
    adapts = "adaptative"
    definition = Definition(raw_defaults={"adaptative": True})


class SdcaShrinkL1(Op):
    """Moves variables towards 0 by l1 / l2, the proximal step of L1."""

    signature = "weights: num_features * Ref(float32) ->"
    l1: float
    l2: float
    differentiable = False
    effects = Effects(updates=True)

    def eager(self, weights):
        for handle in weights:
            variable = as_variable(handle, self.op_type)
            by = np.float32(self.l1) / np.float32(self.l2)
            variable.value = shrunk(variable.read(), by).astype(np.float32)
        return ()
