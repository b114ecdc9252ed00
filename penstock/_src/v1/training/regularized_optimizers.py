"""Optimizers of v1 with built-in regularization: FTRL and the proximal ones."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.training.optimizers import Optimizer, number_like


def _require_positive(name: str, value: float) -> None:
    if value <= 0.0:
        raise ValueError(f"{name} must be positive: {value}")


@export(v1=["train.ProximalGradientDescentOptimizer"])
class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent, then a step towards 0 (Duchi & Singer 2009)."""

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._numbers = (learning_rate, l1_regularization_strength, l2_regularization_strength)

    def _apply(self, variable: Any, gradient: Any) -> Any:
        numbers = [number_like(x, variable) for x in self._numbers]
        return raw.ResourceApplyProximalGradientDescent(variable.handle, *numbers, gradient)


@export(v1=["train.ProximalAdagradOptimizer"])
class ProximalAdagradOptimizer(Optimizer):
    """Adagrad, then a step towards 0."""

    _slots = {"accumulator": 0.1}

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        _require_positive("initial_accumulator_value", initial_accumulator_value)
        super().__init__(use_locking, name)
        self._initial = initial_accumulator_value
        self._numbers = (learning_rate, l1_regularization_strength, l2_regularization_strength)

    def _start_of(self, name: str) -> float:
        return self._initial

    def _apply(self, variable: Any, gradient: Any, accumulator: Any = None) -> Any:
        numbers = [number_like(x, variable) for x in self._numbers]
        return raw.ResourceApplyProximalAdagrad(variable.handle, accumulator, *numbers, gradient)


@export(v1=["train.AdagradDAOptimizer"])
class AdagradDAOptimizer(Optimizer):
    """Adagrad with dual averaging: weights are computed from the sums of all gradients."""

    _slots = {"gradient_accumulator": 0.0, "gradient_squared_accumulator": 0.1}

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        _require_positive(
            "initial_gradient_squared_accumulator_value",
            initial_gradient_squared_accumulator_value,
        )
        super().__init__(use_locking, name)
        self._initial = initial_gradient_squared_accumulator_value
        self._numbers = (learning_rate, l1_regularization_strength, l2_regularization_strength)
        self._step = global_step

    def _start_of(self, name: str) -> float:
        return self._initial if name == "gradient_squared_accumulator" else 0.0

    def _apply(self, variable: Any, gradient: Any, **slots: Any) -> Any:
        numbers = [number_like(x, variable) for x in self._numbers]
        # The rule counts steps from 1.
        step = convert_to_tensor(self._step) + 1
        return raw.ResourceApplyAdagradDA(
            variable.handle, *slots.values(), gradient, *numbers, raw.Cast(x=step, DstT="int64")
        )


@export(v1=["train.FtrlOptimizer"])
class FtrlOptimizer(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013)."""

    _slots = {"accum": 0.1, "linear": 0.0}

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        super().__init__(use_locking, name)
        not_negative = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for argument, value in not_negative.items():
            if value < 0.0:
                raise ValueError(f"{argument} {value:f} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(
                f"learning_rate_power {learning_rate_power:f} needs to be negative or zero"
            )
        self._initial, self._rate = initial_accumulator_value, learning_rate
        self._l1, self._l2 = l1_regularization_strength, l2_regularization_strength
        self._shrinkage = l2_shrinkage_regularization_strength
        self._power, self._beta = learning_rate_power, beta or 0.0

    def _start_of(self, name: str) -> float:
        return self._initial if name == "accum" else 0.0

    def _apply(self, variable: Any, gradient: Any, accum: Any = None, linear: Any = None) -> Any:
        rate = number_like(self._rate, variable)
        # beta belongs to the denominator of the rate, which is equivalent to l2 + beta / (2 * rate).
        l2 = number_like(self._l2, variable) + self._beta / (2.0 * rate)
        l1, power = (number_like(x, variable) for x in (self._l1, self._power))
        held = (variable.handle, accum, linear, gradient, rate, l1, l2)
        if self._shrinkage <= 0.0:
            return raw.ResourceApplyFtrl(*held, power)
        return raw.ResourceApplyFtrlV2(*held, number_like(self._shrinkage, variable), power)
