"""Updates of variables by Keras's optimizers: of those that are alike, the first is traced, the others are copies of its operations.

An optimizer calls its `update_step` for each variable, and Keras's Python takes longer than all else in the first step of a small model. The methods of Keras's own optimizers
read the gradient, the learning rate, the variable with its slots, and a count of steps; what they record depends on the dtypes and shapes of these, and on numbers of the
optimizer. Optimizers of users, and updates that read anything else, are traced for each variable. Eager updates are recorded likewise, and replayed (`replays.py`).
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.numpy.promotion import RULES
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.distribute.current import has_strategy
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable
from penstock._src.graph.members.repetition import Repetition

from .replays import replays_of

OPTIMIZER = "keras.src.backend.tensorflow.optimizer"
_OPTIMIZERS = "keras.src.optimizers."
# The modules whose `update_step` treats variables of the same dtype and shape alike; Muon's depends on their names.
_UNIFORM = frozenset(
    _OPTIMIZERS + name
    for name in "adadelta adafactor adagrad adam adamax ftrl lamb lion nadam rmsprop sgd".split()
)
# The lists of an optimizer that are not of slots.
_NOT_SLOTS = frozenset({"_variables", "_trainable_variables"})
# Its variables that all updates read.
_COMMON = ("_iterations", "_learning_rate", "_u_product")
_NUMBERS = frozenset({bool, int, float, str, type(None)})
# Its attributes that are not numbers, and that no update reads or whose variables are handled.
_KNOWN = frozenset(_COMMON) | {
    "_distribution_strategy", "_tracker", "_trainable_variables_indices", "_exclude_from_weight_decay",
    "_exclude_from_weight_decay_cache", "_exclude_from_weight_decay_pattern",
}  # fmt: skip


def wrap_optimizer(module: types.ModuleType) -> None:
    """Has optimizers copy the updates of variables like earlier ones."""
    kind = module.TFOptimizer  # type: ignore[attr-defined]
    settings = functools.partial(_settings_of, module.backend)  # type: ignore[attr-defined]
    kind._distributed_tf_update_step = _copying(kind._distributed_tf_update_step, settings)


def _settings_of(backend: Any, optimizer: Any) -> Any:
    """Returns what eager updates depend on besides tensors and variables; None if they may depend on more."""
    attributes = vars(optimizer).items()
    in_scope = backend.common.global_state.get_global_attribute("autocast_scope") is not None
    if in_scope or backend.common.stateless_scope.in_stateless_scope():
        return None
    for name, value in attributes:
        is_number = type(value) in _NUMBERS
        if not is_number and name not in _KNOWN and not isinstance(value, list):
            if not name.startswith("_self_"):  # AutoTrackable's
                return None
    # As text 0.0 and -0.0 differ, and so do 1 and True.
    numbers = repr([(name, value) for name, value in attributes if type(value) in _NUMBERS])
    return numbers, backend.floatx(), RULES.mode, RULES.prefer_float32


def _copying(
    update_all: Callable[..., Any], settings_of: Callable[[Any], Any]
) -> Callable[..., Any]:
    @functools.wraps(update_all)
    def update(self: Any, distribution: Any, grads_and_vars: Any, learning_rate: Any) -> Any:
        if not has_strategy() and _is_uniform(self):
            settings = settings_of(self) if STATE.graph is None else None
            if STATE.graph is not None or settings is not None:
                updates = _Updates(self, learning_rate, settings)
                distribution = _Updating(distribution, updates)
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
        gradient, learning_rate = args

        def record(gradient: Any, learning_rate: Any = learning_rate) -> None:
            self._strategy.extended.update(var, fn, args=(gradient, learning_rate), group=group)

        self._updates.update(record, var, gradient)


class _Updates:
    """The updates of one step.

    Args:
      optimizer: one that is built, and updates like variables alike.
      learning_rate: the number, tensor or variable that all updates read.
      settings: what eager updates depend on besides; None while a graph is built.
    """

    def __init__(self, optimizer: Any, learning_rate: Any, settings: Any) -> None:
        self._optimizer, self._repetition = optimizer, Repetition()
        self._learning_rate, self._settings = learning_rate, settings
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

    def update(self, record: Callable[..., None], variable: Any, gradient: Any) -> None:
        """Calls `record(gradient)`, or copies the operations of an earlier call for a variable like this one."""
        at = self._optimizer._get_variable_index(variable)
        slots = [values[at] for values in self._slots]
        mine = [variable, *[_value(slot) for slot in slots if slot is not None]]
        handles = [getattr(one, "handle", None) for one in mine]
        if not all(map(_is_plain, mine)) or not all(type(one) is EagerTensor for one in handles):
            record(gradient)
            return
        form = (tuple(map(_form, slots)), tuple(map(_form_of_value, mine)))
        if self._settings is not None:
            self._replay(record, form, gradient, handles)
            return
        read = [*mine[1:], variable, *self._common]
        self._repetition.call(record, gradient, form, handles, read, self._shared)

    def _replay(
        self, record: Callable[..., None], form: Any, gradient: Any, handles: Sequence[Any]
    ) -> None:
        """Calls `record(gradient)`, or runs what such calls compute."""
        rate = self._learning_rate
        handles = [*handles, *[one.handle for one in self._common]]
        whole = (form, self._settings, len(self._common), type(rate))
        if isinstance(rate, Tensor):
            replays_of(self._optimizer).call(record, whole, (gradient, rate), handles)
        elif type(rate) in _NUMBERS or rate is self._optimizer._learning_rate:
            whole = (*whole, repr(rate) if type(rate) in _NUMBERS else None)
            replays_of(self._optimizer).call(record, whole, (gradient,), handles)
        else:
            record(gradient)


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
