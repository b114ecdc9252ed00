"""Optimizers of v1 with built-in regularization: FTRL and the proximal ones."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.training.optimizers import (
    RATE,
    Optimizer,
    number_like,
    require_positive,
    run_rule,
)

_STRENGTHS = ("learning_rate", "l1_regularization_strength", "l2_regularization_strength")


@export(v1=["train.ProximalGradientDescentOptimizer"])
class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent, then a step towards 0 (Duchi & Singer 2009)."""

    _learning_rate = RATE
    _op = "ResourceApplyProximalGradientDescent"
    _number_names = _STRENGTHS

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


@export(v1=["train.ProximalAdagradOptimizer"])
class ProximalAdagradOptimizer(Optimizer):
    """Adagrad, then a step towards 0."""

    _learning_rate = RATE
    _op = "ResourceApplyProximalAdagrad"
    _number_names = _STRENGTHS

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        require_positive("initial_accumulator_value", initial_accumulator_value)
        super().__init__(use_locking, name)
        self._first_values = {"accumulator": initial_accumulator_value}
        self._numbers = (learning_rate, l1_regularization_strength, l2_regularization_strength)


@export(v1=["train.AdagradDAOptimizer"])
class AdagradDAOptimizer(Optimizer):
    """Adagrad with dual averaging: weights are computed from the sums of all gradients."""

    _learning_rate = RATE
    _number_names = _STRENGTHS

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
        require_positive(
            "initial_gradient_squared_accumulator_value",
            initial_gradient_squared_accumulator_value,
        )
        super().__init__(use_locking, name)
        self._first_values = {
            "gradient_accumulator": 0.0,
            "gradient_squared_accumulator": initial_gradient_squared_accumulator_value,
        }
        self._numbers = (learning_rate, l1_regularization_strength, l2_regularization_strength)
        self._step = global_step

    def _apply(self, variable: Any, gradient: Any, **slots: Any) -> Any:
        numbers = self._numbers_like(variable)
        # The rule counts steps from 1.
        step = convert_to_tensor(self._step) + 1
        after = (*numbers, raw.Cast(x=step, DstT="int64"))
        return run_rule(
            "ResourceApplyAdagradDA", (variable.handle, *slots.values()), gradient, after
        )


@export(v1=["train.FtrlOptimizer"])
class FtrlOptimizer(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013)."""

    _learning_rate = RATE
    _number_names = (*_STRENGTHS, "learning_rate_power")

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
        self._first_values = {"accum": initial_accumulator_value, "linear": 0.0}
        names = {"accum": accum_name, "linear": linear_name}
        self._variable_names = {slot: variable for slot, variable in names.items() if variable}
        strengths = (l1_regularization_strength, l2_regularization_strength)
        self._numbers = (learning_rate, *strengths, learning_rate_power)
        self._shrinkage, self._beta = l2_shrinkage_regularization_strength, beta or 0.0

    def _apply(self, variable: Any, gradient: Any, accum: Any = None, linear: Any = None) -> Any:
        rate, l1, l2, power = self._numbers_like(variable)
        # beta belongs to the denominator of the rate, which is equivalent to l2 + beta / (2 * rate).
        l2 = l2 + self._beta / (2.0 * rate)
        before, after = (variable.handle, accum, linear), (rate, l1, l2)
        if self._shrinkage <= 0.0:
            return run_rule("ResourceApplyFtrl", before, gradient, (*after, power))
        after = (*after, number_like(self._shrinkage, variable))
        return run_rule("ResourceApplyFtrlV2", before, gradient, (*after, power))
