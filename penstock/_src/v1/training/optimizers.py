"""Optimizers of v1: `minimize(loss)` returns the operation that makes a step.

The update rules are raw ops (ops/state/training.py); the classes here define their slots and hyperparameters. A gradient
of slices updates only its rows; Adam's rule, which moves all rows, takes it as a dense one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import RANKED_FLOATS
from penstock._src.eager.variable import Variable
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util.export import export
from penstock._src.v1.functions.gradients import gradients
from penstock._src.v1.training.optimizer_hooks import OptimizerHooks, with_unique_rows
from penstock._src.v1.training.optimizer_slots import (
    OptimizerSlots,
    beside,
    free,
    is_here,
)
from penstock._src.v1.variables.collections import GraphKeys, trainable_variables


@export(v1=["train.Optimizer"])
class Optimizer(OptimizerHooks, OptimizerSlots):
    """Base class of the optimizers. Those here define `_op`, `_first_values` and `_numbers`, or `_apply`; others override hooks."""

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2
    # The raw op of the update rule: of the variable, its slots, the numbers and the gradient.
    _op = ""
    # The hyperparameters, and their names in graphs.
    _numbers: tuple[Any, ...] = ()
    _number_names: tuple[str, ...] = ("learning_rate",)
    # The hyperparameters as tensors of a graph, while a step is recorded.
    _tensors: list[Any] | None = None
    # True if a gradient of slices updates only its rows.
    _by_rows = True

    def __init__(
        self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False
    ) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        super().__init__(name)
        self._use_locking = use_locking

    def get_name(self) -> str:
        """Returns the name."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """Returns the operation that makes a step to reduce `loss`.

        Raises:
          ValueError: `loss` depends on none of the variables.
        """
        pairs = self.compute_gradients(
            loss,
            var_list,
            gate_gradients,
            aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        if all(gradient is None for gradient, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not "
                f"support gradients, between variables {[str(v) for _, v in pairs]} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Returns (gradient, variable) pairs; `loss` may be a function that computes it, and must be one in eager code.

        Raises:
          ValueError: there are no variables, the loss is not of floats or `gate_gradients` is unknown.
          RuntimeError: `loss` is a tensor in eager code.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                f"Optimizer.GATE_GRAPH.  Not {gate_gradients}"
            )
        if callable(loss):
            return self._gradients_of_call(loss, var_list, grad_loss)
        if STATE.graph is None:
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager execution is "
                "enabled."
            )
        variables = list(trainable_variables() if var_list is None else _flat(var_list))
        if not variables:
            raise ValueError("No variables to optimize.")
        _require_floats(loss, grad_loss)
        computed = gradients(
            loss,
            variables,
            grad_ys=grad_loss,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        return list(zip(computed, variables))

    @staticmethod
    def _gradients_of_call(loss: Any, var_list: Any, grad_loss: Any) -> list[tuple[Any, Any]]:
        """The (gradient, variable) pairs of `loss()`; by default for the variables that it reads."""
        with GradientTape() as tape:
            if var_list is not None:
                tape.watch(_flat(var_list))
            value = loss()
        variables = list(tape.watched_variables() if var_list is None else _flat(var_list))
        return list(zip(tape.gradient(value, variables, grad_loss), variables))

    def apply_gradients(
        self,
        grads_and_vars: Any,
        global_step: Any = None,
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
    ) -> Any:
        """Returns the operation that updates variables by their gradients, and counts the step."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ValueError(f"No gradients provided for any variable: {list(grads_and_vars)}.")
        with free():
            self._create_slots([v for _, v in pairs])
        if STATE.graph is None:
            try:
                self._prepare()
                self._finish([self._updated(g, v) for g, v in pairs], name or self._name)
            finally:
                self._tensors = None
            if global_step is not None:
                global_step.assign_add(1)
            return None
        with STATE.graph.name_scope(name or self._name) as scope:
            self._tensors = self._named_numbers()
            try:
                step = self._step_in_graph(pairs, global_step, scope)
            finally:
                self._tensors = None
        STATE.graph.add_to_collection(GraphKeys.TRAIN_OP, step)
        return step

    def _step_in_graph(self, pairs: Any, global_step: Any, scope: str) -> Any:
        """Records the updates and returns the last operation, which has the name of the scope."""
        graph: Any = STATE.graph
        self._prepare()
        updates = []
        for gradient, variable in pairs:
            with graph.name_scope(f"update_{variable.name.partition(':')[0]}"):
                updates.append(self._updated(gradient, variable))
        done = self._finish(updates, scope if global_step is None else "update")
        if global_step is None:
            return done
        with graph.control_dependencies([done]), graph.colocate_with(global_step):
            one = convert_to_tensor(1, global_step.dtype)
            return raw.AssignAddVariableOp(global_step.handle, one, name=scope)

    def _named_numbers(self) -> list[Any]:
        """The hyperparameters as tensors of the graph, which all updates of a step share."""
        values = map(_called, self._numbers)
        return [convert_to_tensor(x, name=name) for x, name in zip(values, self._number_names)]

    def _handles(self, variable: Any) -> dict[str, Any]:
        return {name: self._slot(name, variable).handle for name in self._first_values}

    def _update_densely(self, gradient: Any, variable: Any) -> Any:
        return self._apply(variable, convert_to_tensor(gradient), **self._handles(variable))

    def _update_rows(self, gradient: IndexedSlices, variable: Any) -> Any:
        sparse = self._apply_rows(gradient, variable)
        if sparse is not None:
            return sparse
        if self._by_rows:
            return self._update_unique_rows(with_unique_rows(gradient), variable)
        return self._update_densely(gradient, variable)

    def _update_unique_rows(self, gradient: IndexedSlices, variable: Any) -> Any:
        if self._by_rows:
            return self._apply(variable, gradient, **self._handles(variable))
        return self._update_densely(gradient, variable)

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Creates the state of variables before their first update."""
        self._make_shared(min(var_list, key=lambda v: v.name))
        for variable in var_list:
            for name in self._first_values:
                self._slot(name, variable)

    # -- methods of the optimizers here

    def _make_shared(self, like: Any) -> None:
        """Creates state that all variables share, before the first update."""

    def _apply(self, variable: Any, gradient: Any, **slots: Any) -> Any:
        """Returns the update of a variable, given the handles of its slots."""
        if not self._op:
            raise NotImplementedError(f"{type(self).__name__}._apply")
        numbers = self._numbers_like(variable)
        return run_rule(self._op, (variable.handle, *slots.values(), *numbers), gradient)

    def _numbers_like(self, variable: Any) -> list[Any]:
        """The hyperparameters as tensors of a variable's dtype."""
        return [number_like(x, variable) for x in self._tensors or self._numbers]

    def _apply_rows(self, gradient: IndexedSlices, variable: Any) -> Any:
        """Returns the sparse update, or None if the rule needs a dense gradient."""
        return None


def _flat(variables: Any) -> list[Any]:
    return list(variables) if isinstance(variables, (list, tuple)) else [variables]


def _require_floats(*values: Any) -> None:
    """Raises ValueError for a tensor that has no gradient because of its dtype."""
    for value in values:
        if isinstance(value, Tensor) and value.dtype.base_dtype not in RANKED_FLOATS:
            raise ValueError(
                f"Invalid type {value.dtype.base_dtype!r} for {value.name}, expected: {list(RANKED_FLOATS)}."
            )


def require_positive(name: str, value: float) -> None:
    """Raises ValueError unless the value of the argument is positive."""
    if value <= 0.0:
        raise ValueError(f"{name} must be positive: {value}")


def _called(value: Any) -> Any:
    """A hyperparameter, or its result if it is a function."""
    return value() if callable(value) and not hasattr(value, "dtype") else value


def number_like(value: Any, like: Any) -> Any:
    """Converts a hyperparameter (a number, tensor or function) to a tensor of a variable's dtype."""
    value = _called(value)
    kind = like.dtype.base_dtype
    if isinstance(value, (int, float)):
        return convert_to_tensor(value, kind)
    tensor = convert_to_tensor(value)
    return tensor if tensor.dtype == kind else raw.Cast(x=tensor, DstT=kind)


def run_rule(
    op: str,
    before: Sequence[Any],
    gradient: Any,
    after: Sequence[Any] = (),
    options: dict[str, Any] | None = None,
) -> Any:
    """Runs the raw op of an update rule, or the one for rows if the gradient has slices; other arguments surround it."""
    if not isinstance(gradient, IndexedSlices):
        return getattr(raw, op)(*before, gradient, *after, **(options or {}))
    rows = op.replace("ResourceApply", "ResourceSparseApply")
    arguments = (*before, gradient.values, gradient.indices, *after)
    return getattr(raw, rows)(*arguments, **(options or {}))


def _attributes(suffix: str, *names: str) -> Callable[[type], type]:
    """Gives an optimizer TensorFlow's attributes: those of the hyperparameters and, with a suffix, of their tensors during a step."""

    def decorate(cls: type) -> type:
        for position, name in enumerate(names):
            setattr(cls, name, _number(position))
            setattr(cls, name + suffix, _number_in_step(position))
        return cls

    return decorate


def _number(position: int) -> property:
    def change(optimizer: Optimizer, value: Any) -> None:
        numbers = optimizer._numbers
        optimizer._numbers = (*numbers[:position], value, *numbers[position + 1 :])

    return property(lambda optimizer: optimizer._numbers[position], change)


def _number_in_step(position: int) -> property:
    def read(optimizer: Optimizer) -> Any:
        numbers = optimizer._tensors or optimizer._numbers
        return convert_to_tensor(_called(numbers[position]))

    def change(optimizer: Optimizer, value: Any) -> None:
        if optimizer._tensors is None:
            optimizer._tensors = list(optimizer._numbers)
        optimizer._tensors[position] = value

    return property(read, change)


# The learning rate, by the attribute that code written for TensorFlow 1's optimizers reads and sets.
RATE = _number(0)


@export(v1=["train.GradientDescentOptimizer"])
@_attributes("_tensor", "_learning_rate")
class GradientDescentOptimizer(Optimizer):
    """variable -= rate * gradient."""

    _op = "ResourceApplyGradientDescent"

    def __init__(
        self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"
    ) -> None:
        super().__init__(use_locking, name)
        self._numbers = (learning_rate,)

    def _apply_rows(self, gradient: IndexedSlices, variable: Any) -> Any:
        step = raw.Mul(gradient.values, *self._numbers_like(variable))
        return raw.ResourceScatterSub(variable.handle, gradient.indices, step)


@export(v1=["train.MomentumOptimizer"])
@_attributes("_tensor", "_learning_rate", "_momentum")
class MomentumOptimizer(Optimizer):
    """accumulator = momentum * accumulator + gradient; variable -= rate * accumulator."""

    _first_values = {"momentum": 0.0}
    _number_names = ("learning_rate", "momentum")

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._numbers, self._use_nesterov = (learning_rate, momentum), use_nesterov

    def _apply(self, variable: Any, gradient: Any, momentum: Any = None) -> Any:
        rate, share = self._numbers_like(variable)
        options = {"use_nesterov": self._use_nesterov}
        before = (variable.handle, momentum, rate)
        return run_rule("ResourceApplyMomentum", before, gradient, (share,), options)


_POWERS = ("beta1_power", "beta2_power")


@export(v1=["train.AdamOptimizer"])
@_attributes("_t", "_lr", "_beta1", "_beta2", "_epsilon")
class AdamOptimizer(Optimizer):
    """Adam (Kingma & Ba 2015, https://arxiv.org/abs/1412.6980)."""

    _first_values = {"m": 0.0, "v": 0.0}
    _number_names = ("learning_rate", "beta1", "beta2", "epsilon")
    _by_rows = False

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adam",
        use_own_namescope_for_non_slot_vars: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._betas, self._numbers = (beta1, beta2), (learning_rate, beta1, beta2, epsilon)
        self._all_powers: list[Variable] = []

    def _make_shared(self, like: Any) -> None:
        if not self._powers:
            betas = dict(zip(_POWERS, map(_called, self._betas)))
            with beside(like):
                # float32 for numbers, whatever dtype the weights have: checkpoints hold them so.
                powers = [
                    Variable(beta, trainable=False, name=name) for name, beta in betas.items()
                ]
            self._all_powers += powers
            for name, power in zip(_POWERS, powers):
                self._handle_deferred_dependencies(name, power)

    @property
    def _powers(self) -> list[Any]:
        """The powers of the betas; each graph has its own."""
        of_graphs = in_v1_graph()
        return [
            power
            for power in self._all_powers
            if is_here(power) and isinstance(power.handle, SymbolicTensor) == of_graphs
        ]

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        """Returns the powers of the betas in the current graph, or None twice."""
        first, second = self._powers or (None, None)
        return first, second

    def _apply(self, variable: Any, gradient: Any, m: Any = None, v: Any = None) -> Any:
        kind = variable.dtype.base_dtype
        # The op reads those of the variable's type itself, as in TensorFlow.
        powers = [p if p.dtype.base_dtype == kind else number_like(p, variable) for p in self._powers]  # fmt: skip
        numbers = [*powers, *self._numbers_like(variable)]
        return raw.ResourceApplyAdam(variable.handle, m, v, *numbers, gradient)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        if STATE.graph is None:
            for power, beta in zip(self._powers, self._betas):
                power.assign(power * _called(beta))
            return None
        betas = (self._tensors or self._numbers)[1:3]
        graph: Any = STATE.graph
        with graph.control_dependencies(update_ops), graph.colocate_with(self._powers[0]):
            moved = [
                raw.AssignVariableOp(p.handle, convert_to_tensor(p) * number_like(b, p))
                for p, b in zip(self._powers, betas)
            ]
        return super()._finish([*update_ops, *moved], name_scope)

    def _resource_scatter_add(self, x: Any, i: Any, v: Any) -> Any:
        """Adds slices to rows of a variable and returns it."""
        update = raw.ResourceScatterAdd(x.handle, i, v)
        if STATE.graph is None:
            return x.value()
        with STATE.graph.control_dependencies([update]):
            return x.value()

    def _shared_variables(self) -> dict[str, Any]:
        return {**super()._shared_variables(), **dict(zip(_POWERS, self._powers))}


@export(v1=["train.AdagradOptimizer"])
@_attributes("_tensor", "_learning_rate")
class AdagradOptimizer(Optimizer):
    """accumulator += gradient**2; variable -= rate * gradient / sqrt(accumulator)."""

    _op = "ResourceApplyAdagrad"

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        require_positive("initial_accumulator_value", initial_accumulator_value)
        super().__init__(use_locking, name)
        self._first_values, self._numbers = (
            {"accumulator": initial_accumulator_value},
            (learning_rate,),
        )


@export(v1=["train.RMSPropOptimizer"])
@_attributes("_tensor", "_learning_rate", "_decay", "_momentum", "_epsilon")
class RMSPropOptimizer(Optimizer):
    """RMSProp (Hinton's lecture 6e), with momentum, optionally centered."""

    _op, _first_values = "ResourceApplyRMSProp", {"rms": 1.0, "momentum": 0.0}
    _number_names = ("learning_rate", "decay", "momentum", "epsilon")

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._numbers = (learning_rate, decay, momentum, epsilon)
        if centered:
            self._op, self._first_values = (
                "ResourceApplyCenteredRMSProp",
                # in the order that numbers their names in checkpoints
                {"rms": 1.0, "mg": 0.0, "momentum": 0.0},
            )

    def _handles(self, variable: Any) -> dict[str, Any]:
        handles = super()._handles(variable)
        if "mg" in handles:  # the first slot of the rule
            return {"mg": handles.pop("mg"), **handles}
        return handles


@export(v1=["train.AdadeltaOptimizer"])
@_attributes("_t", "_lr", "_rho", "_epsilon")
class AdadeltaOptimizer(Optimizer):
    """Adadelta (Zeiler 2012, https://arxiv.org/abs/1212.5701)."""

    _op, _first_values = "ResourceApplyAdadelta", {"accum": 0.0, "accum_update": 0.0}
    _number_names = ("lr", "rho", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._numbers = (learning_rate, rho, epsilon)
