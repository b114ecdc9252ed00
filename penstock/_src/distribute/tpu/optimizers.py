"""Optimizers that embedding hardware applies to its tables: only their parameters, validated."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.util.export import export
from penstock._src.util.signatures import read_only, spread

_PACKAGE = "tpu.experimental.embedding"


class SlotVariables:
    """Base class of objects with slot variables, which store additional values for the entries of a table."""

    # The initial value of each slot: a number or an initializer.
    _slots: Mapping[str, Any] = {}

    def _slot_names(self) -> list[str]:
        """The names of the slots."""
        return list(self._slots)

    def _slot_initializers(self) -> list[Any]:
        """The initial values of the slots: a number or an initializer each."""
        return list(self._slots.values())


@dataclasses.dataclass(eq=False, repr=False)
class EmbeddingOptimizer(SlotVariables):
    """Base class of the optimizers.

    Args:
      learning_rate: a number, or a function without arguments.
      use_gradient_accumulation: whether the gradients of a batch are accumulated before the update.
      clip_weight_min, clip_weight_max: limits of the entries.
      weight_decay_factor: the factor of the weight decay; None for no decay.
      multiply_weight_decay_factor_by_learning_rate: whether the decay is scaled by the learning rate.
      slot_variable_creation_fn: creates the slot variables, given the table and their names.
      clipvalue: the limit of gradients, or (minimum, maximum).
      low_dimensional_packing_status: whether narrow tables are packed.

    Raises:
      ValueError: gradients are clipped but not accumulated.
    """

    learning_rate: Any
    use_gradient_accumulation: bool = True
    clip_weight_min: float | None = None
    clip_weight_max: float | None = None
    weight_decay_factor: float | None = None
    multiply_weight_decay_factor_by_learning_rate: bool | None = None
    slot_variable_creation_fn: Callable[..., Any] | None = None
    clipvalue: dataclasses.InitVar[Any] = None
    low_dimensional_packing_status: bool = False

    def __post_init__(self, clipvalue: Any) -> None:
        if not self.use_gradient_accumulation and clipvalue is not None:
            raise ValueError(
                "When `use_gradient_accumulation` is False, gradient clipping cannot be used and "
                f"`clipvalue` should be left as None. Received value {clipvalue} for argument "
                "`clipvalue`."
            )
        if clipvalue is not None and not isinstance(clipvalue, tuple):
            clipvalue = (-clipvalue, clipvalue)
        self.clip_gradient_min, self.clip_gradient_max = clipvalue or (None, None)

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), tuple(sorted((k, repr(v)) for k, v in self.__dict__.items()))))


def _with_common(without: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replaces the parameter `common` by the parameters that optimizers share."""
    shared = inspect.signature(EmbeddingOptimizer).parameters.values()
    defaults = {p.name: p.default for p in shared if p.name not in ("learning_rate", without)}
    last = {"low_dimensional_packing_status": defaults.pop("low_dimensional_packing_status")}
    described = inspect.cleandoc(EmbeddingOptimizer.__doc__ or "").partition("\n\n")[2]
    lines = [line for line in described.splitlines() if not without or without not in line]

    def extend(constructor: Callable[..., None]) -> Callable[..., None]:
        extended = spread(constructor, parameter="common", over=defaults, last=last)
        extended.__doc__ = "\n".join(["Makes the optimizer.", "", *lines])
        return extended

    return extend


@export(f"{_PACKAGE}.SGD")
class SGD(EmbeddingOptimizer):
    """Stochastic gradient descent."""

    @_with_common(without="slot_variable_creation_fn")
    def __init__(self, learning_rate: Any = 0.01, common: Any = None) -> None:
        super().__init__(learning_rate, **common)


def _positive(name: str, value: float) -> float:
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be a positive float. Received: {value}")
    return value


@export(f"{_PACKAGE}.Adagrad")
class Adagrad(EmbeddingOptimizer):
    """Adagrad: steps divided by the root of the sum of squared gradients.

    Args:
      initial_accumulator_value: what the sums of squares begin with, positive.
    """

    @_with_common()
    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        common: Any = None,
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = _positive(
            "initial_accumulator_value", initial_accumulator_value
        )
        self._slots = {"accumulators": self.initial_accumulator_value}


@export(f"{_PACKAGE}.AdagradMomentum")
class AdagradMomentum(EmbeddingOptimizer):
    """Adagrad with momentum.

    Args:
      momentum: the part of the last step that is repeated.
      use_nesterov: whether the momentum is Nesterov's.
      exponent: of the sums by which gradients are divided, positive.
      beta2: the part of the sums that is kept; 1 for all.
      epsilon: added to the sums, positive.
    """

    _slots = {"accumulators": 0.0, "momenta": 0.0}

    @_with_common()
    def __init__(
        self,
        learning_rate: Any = 0.001,
        momentum: float = 0.0,
        use_nesterov: bool = False,
        exponent: float = 2,
        beta2: float = 1,
        epsilon: float = 1e-10,
        common: Any = None,
    ) -> None:
        super().__init__(learning_rate, **common)
        if epsilon <= 0:
            raise ValueError("Adagrad momentum: epsilon must be positive")
        if exponent <= 0:
            raise ValueError("Adagrad momentum: Precondition exponent must >0")
        self.momentum, self.use_nesterov, self.exponent = momentum, use_nesterov, exponent
        self.beta2, self.epsilon = beta2, epsilon


@export(f"{_PACKAGE}.FTRL")
class FTRL(EmbeddingOptimizer):
    """Follow the regularized leader.

    Args:
      learning_rate_power: the exponent of the sums of squares.
      l1_regularization_strength, l2_regularization_strength: weights of the penalties.
      beta: added to the roots of the sums.
      initial_accumulator_value: what the sums begin with, positive.
      multiply_linear_by_learning_rate: whether the linear terms are scaled by the learning rate.
      allow_zero_accumulator: whether sums may be zero, which takes longer.
    """

    @_with_common()
    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        beta: float = 0.0,
        initial_accumulator_value: float = 0.1,
        common: Any = None,
        multiply_linear_by_learning_rate: bool = False,
        allow_zero_accumulator: bool = False,
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = _positive(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.learning_rate_power = learning_rate_power
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.beta = beta
        self.multiply_linear_by_learning_rate = multiply_linear_by_learning_rate
        self.allow_zero_accumulator = allow_zero_accumulator
        self._slots = {"accumulators": self.initial_accumulator_value, "linears": 0.0}


@export(f"{_PACKAGE}.Adam")
class Adam(EmbeddingOptimizer):
    """Adam, by default lazy: only rows that were looked up are updated.

    Args:
      beta_1, beta_2: what part of the moments is kept, in [0, 1).
      epsilon: added to the roots of the second moments, positive.
      lazy_adam: whether rows that a batch does not look up stay as they are.
      sum_inside_sqrt: whether epsilon is added below the root.
    """

    _slots = {"momenta": 0.0, "velocities": 0.0}

    @_with_common()
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-07,
        lazy_adam: bool = True,
        sum_inside_sqrt: bool = True,
        common: Any = None,
    ) -> None:
        super().__init__(learning_rate, **common)
        for name, value in (("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0.0 <= value < 1.0:
                raise ValueError(f"Argument `{name}` must be >= 0 and < 1. Received: {value}.")
        if epsilon <= 0.0:
            raise ValueError(f"epsilon must be positive; got {epsilon}.")
        if not common["use_gradient_accumulation"] and not lazy_adam:
            raise ValueError(
                "When disabling lazy Adam (`lazy_adam=False`), gradient accumulation must be used."
            )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.lazy_adam, self.sum_inside_sqrt = lazy_adam, sum_inside_sqrt


@export(f"{_PACKAGE}.CustomOptimizer")
class CustomOptimizer(EmbeddingOptimizer):
    """An optimizer given as a function of gradient, weights, slots and hyperparameters.

    Args:
      custom_computation: the function; returns the new weights and slots.
      learning_rate: a number, or a function without arguments.
      slot_names, slot_initializers, slot_dims: describe the slots.
      hyperparameters: additional numbers for the function.
    """

    def __init__(
        self,
        custom_computation: Callable[..., Any],
        learning_rate: Any = 0.01,
        slot_names: Sequence[str] | None = None,
        slot_initializers: Sequence[Any] | None = None,
        hyperparameters: Sequence[Any] | None = None,
        slot_dims: Sequence[int] | None = None,
    ) -> None:
        super().__init__(learning_rate, use_gradient_accumulation=False)
        names, initializers = tuple(slot_names or ()), tuple(slot_initializers or ())
        if len(names) != len(initializers):
            raise ValueError(
                f"Each slot needs an initializer. Received slot_names={names}, "
                f"slot_initializers={initializers}."
            )
        self._slots = dict(zip(names, initializers))
        self._dims = tuple(slot_dims or ())
        self._hyperparameters = tuple(hyperparameters or ())
        self._custom_computation = custom_computation

    custom_computation = read_only("_custom_computation", "The function.")
    hyperparameters = read_only("_hyperparameters", "Further numbers for the function.")
    slot_dims = read_only("_dims", "The columns of the slots.")


@export(f"{_PACKAGE}.CustomCombiner")
@dataclasses.dataclass(eq=False, repr=False)
class CustomCombiner(SlotVariables):
    """A combiner given as a function of the embeddings of a sample, with trainable weights.

    Args:
      combiner_computation: the function of valency, embeddings and weights.
      max_valency: the maximum number of ids of a sample.
      num_weights: the number of trainable weights.
      initializer: of the weights.
      combiner_weights_learning_rate: their learning rate.

    Raises:
      ValueError: there are weights without an initializer.
    """

    CUSTOM_COMBINER_SLOT_NAME = "custom_combiner_variables"

    combiner_computation: Callable[..., Any]
    max_valency: int
    num_weights: int = 0
    initializer: Any = None
    combiner_weights_learning_rate: Any = 0.01

    def __post_init__(self) -> None:
        if self.num_weights:
            if self.initializer is None:
                raise ValueError("`initializer` must be set when `num_weights` is not zero.")
            self._slots = {self.CUSTOM_COMBINER_SLOT_NAME: self.initializer}
