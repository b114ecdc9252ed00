"""Updates of variables by Keras's optimizers: of those that are alike, the first is traced, the others are copies of its operations.

An optimizer calls its `update_step` for each variable, and Keras's Python takes longer than all else in the first step of a small model. The methods of Keras's own optimizers
read the gradient, the learning rate, the variable with its slots, and a count of steps; what they record depends on the dtypes and shapes of these, and on numbers of the
optimizer. Optimizers of users, and updates that read anything else, are traced for each variable.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.tensor import Tensor
from penstock._src.distribute.current import has_strategy
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable
from penstock._src.graph.members.repetition import Repetition

OPTIMIZER = "keras.src.backend.tensorflow.optimizer"
_OPTIMIZERS = "keras.src.optimizers."
# The modules whose `update_step` treats variables of one dtype and shape alike; Muon's goes by their names.
_UNIFORM = frozenset(
    _OPTIMIZERS + name
    for name in "adadelta adafactor adagrad adam adamax ftrl lamb lion nadam rmsprop sgd".split()
)
# The lists of an optimizer that are not of slots.
_NOT_SLOTS = frozenset({"_variables", "_trainable_variables"})
# Its variables that all updates read.
_COMMON = ("_iterations", "_learning_rate", "_u_product")


def wrap_optimizer(module: types.ModuleType) -> None:
    """Has optimizers copy the updates of variables like earlier ones."""
    kind = module.TFOptimizer  # type: ignore[attr-defined]
    kind._distributed_tf_update_step = _copying(kind._distributed_tf_update_step)


def _copying(update_all: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(update_all)
    def update(self: Any, distribution: Any, grads_and_vars: Any, learning_rate: Any) -> Any:
        if not has_strategy() and _is_uniform(self):
            distribution = _Updating(distribution, _Updates(self, learning_rate))
        return update_all(self, distribution, grads_and_vars, learning_rate)

    return update


def _is_uniform(optimizer: Any) -> bool:
    """True if an optimizer is one of Keras's own that update like variables alike."""
    kind = type(optimizer)
    return (
        kind.__module__.startswith(_OPTIMIZERS)
        and kind.update_step.__module__ in _UNIFORM
        and "update_step" not in vars(optimizer)
    )


class _Updating:
    """A distribution strategy, and its `extended`, whose `update` copies what it can."""

    def __init__(self, strategy: Any, updates: _Updates) -> None:
        self._strategy, self._updates = strategy, updates

    @property
    def extended(self) -> Any:
        return self

    def update(
        self, var: Any, fn: Callable[..., Any], args: Sequence[Any], group: bool = True
    ) -> None:
        """Calls `fn(var, *args)`, or copies the operations of such a call."""
        gradient, *others = args

        def record(gradient: Any) -> None:
            self._strategy.extended.update(var, fn, args=(gradient, *others), group=group)

        self._updates.update(record, var, gradient)


class _Updates:
    """The updates of one step.

    Args:
      optimizer: one that is built, and updates like variables alike.
      learning_rate: the number, tensor or variable that all updates read.
    """

    def __init__(self, optimizer: Any, learning_rate: Any) -> None:
        self._optimizer, self._repetition = optimizer, Repetition()
        count = len(optimizer._trainable_variables)
        self._slots = [
            values
            for name, values in vars(optimizer).items()
            if isinstance(values, list) and len(values) == count and name not in _NOT_SLOTS
        ]
        common = [_value(getattr(optimizer, name, None)) for name in _COMMON]
        self._common = [one for one in common if type(one) is ResourceVariable]
        self._shared = [one.handle for one in self._common]
        if isinstance(learning_rate, Tensor):
            self._shared.append(learning_rate)

    def update(self, record: Callable[[Any], None], variable: Any, gradient: Any) -> None:
        """Calls `record(gradient)`, or copies the operations of an earlier call for a variable like this one."""
        at = self._optimizer._get_variable_index(variable)
        slots = [values[at] for values in self._slots]
        mine = [variable, *[_value(slot) for slot in slots if slot is not None]]
        handles = [getattr(one, "handle", None) for one in mine]
        if not all(map(_is_plain, mine)) or not all(type(one) is EagerTensor for one in handles):
            record(gradient)
            return
        form = (tuple(map(_form, slots)), tuple(map(_form_of_value, mine)))
        read = [*mine[1:], variable, *self._common]
        self._repetition.call(record, gradient, form, handles, read, self._shared)


def _value(variable: Any) -> Any:
    """Returns the tf.Variable of one of Keras's variables; other objects as they are."""
    return getattr(variable, "_value", variable)


def _is_plain(variable: Any) -> bool:
    """True if a variable's reads and assignments record what its dtype and shape say."""
    return type(variable) is ResourceVariable and variable._cached_value is None


def _form(slot: Any) -> Any:
    """Returns what decides how a slot is read, besides its value."""
    return slot if slot is None else (type(slot), getattr(slot, "_autocast", None))


def _form_of_value(variable: Any) -> Any:
    return variable.dtype, variable.shape._dims, variable._validates, variable.trainable, variable.device  # fmt: skip
