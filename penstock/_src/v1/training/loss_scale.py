"""tf.compat.v1.mixed_precision: loss scaling, so that small float16 gradients do not underflow."""

import abc
from collections.abc import Sequence
from typing import Any

from penstock._src.api.control.conditionals import cond
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.math.elementwise import cast, is_finite
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.variable import Variable
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.training.optimizers import Optimizer
from penstock._src.v1.variables.collections import VariableV1


def _names(name: str) -> list[str]:
    return [
        f"{space}.{name}"
        for space in ("mixed_precision", "mixed_precision.experimental", "train.experimental")
    ]


@export(v1=_names("LossScale"))
class LossScale(Trackable, abc.ABC):
    """The factor of losses, which may change between steps."""

    def __init__(self) -> None:
        # Keyed by name, and by the graph of the variable if it is in one.
        self._weights: dict[tuple[str, str | None], Variable] = {}

    @abc.abstractmethod
    def __call__(self) -> Any:
        """The scale, a scalar float32 tensor."""

    @abc.abstractmethod
    def update(self, grads: Any) -> tuple[Any, Any]:
        """Updates the scale by the gradients of a step; returns (the operation, whether to apply the gradients)."""

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A scale with these arguments."""
        return cls(**config)

    def _add_weight(self, name: str, initial_value: Any, dtype: Any = None) -> Variable:
        """Creates a non-trainable variable of the scale.

        Raises:
          RuntimeError: the scale has one of this name.
        """
        key = name, _graph_key()
        if key in self._weights:
            raise RuntimeError(f"Duplicate variables detected. {key}")
        weight = VariableV1(
            initial_value, trainable=False, name=name, dtype=dtype, use_resource=True
        )
        self._weights[key] = weight
        self._handle_deferred_dependencies(name, weight)
        return weight

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        here = _graph_key()
        ordered = sorted(self._weights.items(), key=lambda item: item[0][0])
        weights = {name: variable for (name, graph), variable in ordered if graph == here}
        return weights | super()._trackable_children(save_type, **kwargs)


def _graph_key() -> str | None:
    """Return the key of the graph to which a variable created now belongs; None outside of graphs."""
    return STATE.graph._graph_key if in_v1_graph() else None


@export(v1=_names("FixedLossScale"))
class FixedLossScale(LossScale):
    """The same scale in all steps.

    Args:
      loss_scale_value: a number of at least 1.

    Raises:
      ValueError: the number is less than 1.
    """

    def __init__(self, loss_scale_value: float) -> None:
        super().__init__()
        if not isinstance(loss_scale_value, (int, float)):
            raise ValueError("loss_scale_value must be a Python int or float.")
        if loss_scale_value < 1:
            raise ValueError("loss_scale_value must be at least 1.")
        self._value = float(loss_scale_value)

    def __call__(self) -> Any:
        return convert_to_tensor(self._value, dtypes.float32)

    def update(self, grads: Any) -> tuple[Any, Any]:
        """Leaves the scale unchanged; all gradients are applied."""
        del grads
        return (None if STATE.graph is None else raw.NoOp()), True

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"loss_scale_value": self._value}

    def __repr__(self) -> str:
        return f"FixedLossScale({self._value})"


@export(v1=_names("DynamicLossScale"))
class DynamicLossScale(LossScale):
    """A scale that grows after steps without overflow, and shrinks with each overflow.

    Args:
      initial_loss_scale: the initial scale.
      increment_period: the number of consecutive finite steps after which the scale is multiplied.
      multiplier: the factor by which the scale is multiplied or divided.
    """

    def __init__(
        self,
        initial_loss_scale: float = 32768,  # 2 ** 15: the maximum of float16 is about twice that
        increment_period: int = 2000,
        multiplier: float = 2.0,
    ) -> None:
        super().__init__()
        self._initial_loss_scale, self._multiplier = float(initial_loss_scale), float(multiplier)
        self._increment_period = int(increment_period)
        self._current_loss_scale = self._add_weight(
            "current_loss_scale", self._initial_loss_scale, dtypes.float32
        )
        self._num_good_steps = self._add_weight("good_steps", 0, dtypes.int64)

    initial_loss_scale = read_only("_initial_loss_scale", "Scale at the beginning.")
    increment_period = read_only(
        "_increment_period", "Number of successive finite steps after which the scale grows."
    )
    multiplier = read_only("_multiplier", "Factor by which the scale grows and shrinks.")

    def __call__(self) -> Any:
        return convert_to_tensor(self._current_loss_scale)

    def update(self, grads: Any) -> tuple[Any, Any]:
        """Multiplies or divides the scale; gradients that overflow are not applied."""
        finite = all_finite(grads)
        scale, steps = (
            convert_to_tensor(self._current_loss_scale),
            convert_to_tensor(self._num_good_steps),
        )
        grown = scale * self._multiplier
        ripe = raw.GreaterEqual(
            x=steps + 1, y=convert_to_tensor(self._increment_period, dtypes.int64)
        )
        grows = raw.LogicalAnd(x=ripe, y=is_finite(grown))
        smaller = raw.Maximum(x=scale / self._multiplier, y=convert_to_tensor(1.0))
        choose = raw.SelectV2
        after_good = choose(condition=grows, t=grown, e=scale)
        zero = convert_to_tensor(0, dtypes.int64)
        counted = choose(condition=ripe, t=zero, e=steps + 1)
        updates = [
            self._current_loss_scale.assign(
                choose(condition=finite, t=after_good, e=smaller), read_value=False
            ),
            self._num_good_steps.assign(
                choose(condition=finite, t=counted, e=zero), read_value=False
            ),
        ]
        return _grouped(updates), finite

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "initial_loss_scale": self._initial_loss_scale,
            "increment_period": self._increment_period,
            "multiplier": self._multiplier,
        }

    def __repr__(self) -> str:
        own = f"initial_loss_scale={self._initial_loss_scale}, increment_period={self._increment_period}"
        if STATE.graph is not None:
            return f"DynamicLossScale({own}, multiplier={self._multiplier})"
        return (
            f"DynamicLossScale(current_loss_scale={self._current_loss_scale.numpy()}, "
            f"num_good_steps={self._num_good_steps.numpy()}, {own}, multiplier={self._multiplier})"
        )


def all_finite(gradients: Any) -> Any:
    """Return a bool scalar tensor: True if all elements of the gradients are finite."""
    checks = [
        raw.All(input=is_finite(part), axis=list(range(part.shape.rank or 0)))
        for gradient in nest.flatten(gradients)
        if gradient is not None
        for part in [gradient.values if isinstance(gradient, IndexedSlices) else gradient]
    ]
    return raw.All(input=raw.Pack(values=checks), axis=[0]) if checks else convert_to_tensor(True)


def _grouped(operations: Sequence[Any]) -> Any:
    """An operation that runs all of these; None in eager code, where they have already run."""
    if STATE.graph is None:
        return None
    with STATE.graph.control_dependencies([op for op in operations if op is not None]):
        return raw.NoOp()


def get(identifier: Any) -> Any:
    """Converts a number, "dynamic" or a LossScale to a LossScale.

    Raises:
      ValueError: the argument is something else.
    """
    if isinstance(identifier, (int, float)):
        return FixedLossScale(identifier)
    if identifier == "dynamic":
        return DynamicLossScale()
    if identifier is None or isinstance(identifier, LossScale):
        return identifier
    raise ValueError(f"Could not interpret loss scale identifier: {identifier}")


@export(
    v1=[
        "mixed_precision.MixedPrecisionLossScaleOptimizer",
        "train.experimental.MixedPrecisionLossScaleOptimizer",
    ]
)
class MixedPrecisionLossScaleOptimizer(Optimizer, Trackable):
    """An optimizer of scaled losses: unscales gradients, and skips steps with overflow.

    Args:
      opt: the optimizer that makes the steps.
      loss_scale: a number, "dynamic", or a LossScale.

    Raises:
      ValueError: `opt` is not an optimizer, or there is no loss scale.
    """

    def __init__(self, opt: Any, loss_scale: Any) -> None:
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt)}')
        self._optimizer = opt
        super().__init__(opt._use_locking, opt.get_name())
        self._loss_scale = get(loss_scale)
        if self._loss_scale is None:
            raise ValueError("loss_scale cannot be None")
        self._track_trackable(self._loss_scale, "loss_scale")

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = Optimizer.GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> Any:
        """The (gradient, variable) pairs of the loss, computed from the scaled loss."""
        pairs = self._optimizer.compute_gradients(
            self._scaled(loss), var_list, gate_gradients, aggregation_method,
            colocate_gradients_with_ops, grad_loss,
        )  # fmt: skip
        return [(self._unscaled(gradient), variable) for gradient, variable in pairs]

    def _scaled(self, loss: Any) -> Any:
        if callable(loss):
            return lambda: self._scaled(loss())
        tensor = convert_to_tensor(loss)
        return tensor * cast(self._loss_scale(), tensor.dtype)

    def _unscaled(self, gradient: Any) -> Any:
        if gradient is None:
            return None
        if isinstance(gradient, IndexedSlices):
            values = self._unscaled(gradient.values)
            return IndexedSlices(values, gradient.indices, gradient.dense_shape)
        return gradient * cast(1.0 / self._loss_scale(), gradient.dtype)

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None
    ) -> Any:
        """The operation that applies gradients if they are finite, and updates the loss scale."""
        pairs = tuple(grads_and_vars)
        update, should_apply = self._loss_scale.update([gradient for gradient, _ in pairs])

        def apply() -> Any:
            done = self._optimizer.apply_gradients(pairs, global_step, name)
            with control_dependencies([] if done is None else [done]):
                return raw.Identity(input=convert_to_tensor(True))

        if should_apply is True:
            return _grouped([self._optimizer.apply_gradients(pairs, global_step, name), update])
        # Slots are created outside of the branch.
        self._make_slots(pairs)
        applied = cond(should_apply, apply, lambda: convert_to_tensor(False))
        return _grouped([applied, update])

    def _make_slots(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        used = [variable for gradient, variable in pairs if gradient is not None]
        if used:
            self._optimizer._create_slots(used)

    def get_slot_names(self) -> list[str]:
        """Delegates to the wrapped optimizer."""
        return self._optimizer.get_slot_names()

    def get_slot(self, var: Any, name: str) -> Any:
        """Delegates to the wrapped optimizer."""
        return self._optimizer.get_slot(var, name)

    def variables(self) -> list[Any]:
        """The variables of the optimizer and of the loss scale."""
        return [*self._optimizer.variables(), *self._loss_scale._weights.values()]
