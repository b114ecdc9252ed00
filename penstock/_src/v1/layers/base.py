"""The layer of TensorFlow 1: its variables come from `get_variable`, in a scope of its own."""

import collections
import contextlib
import functools
import inspect
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.context import executing_eagerly_outside_functions
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.function.autograph.convert import converted_call
from penstock._src.util import nest
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.layers.input_spec import check_inputs
from penstock._src.v1.layers.keras_layer import LegacyLayer, name_of_class
from penstock._src.v1.variables.collections import (
    GraphKeys,
    get_collection_ref,
    global_variables,
    trainable_variables,
)
from penstock._src.v1.variables.partitioned import PartitionedVariable
from penstock._src.v1.variables.scopes import VariableScope, get_variable, variable_scope

# Number of layers of a class in each graph.
_COUNTS: weakref.WeakKeyDictionary[Any, collections.Counter[str]] = weakref.WeakKeyDictionary()


class Layer(LegacyLayer):
    """A layer with variables that are named, found and shared as those of variable scopes are.

    Args:
      trainable: whether its weights are trainable.
      name: the name of the scope of its variables; by default one that is not in use.
      dtype: the type of its weights, that of the first inputs by default.
      **kwargs: `_scope`, the scope of its variables; `_reuse`, whether it shares existing ones; `activity_regularizer`, a
        function of the outputs whose result is a loss.
    """

    # It has a default, as subclasses of users may not call `__init__`.
    _scope: VariableScope | None = None
    _reuse: Any = None
    _current_scope: VariableScope | None = None
    built = False

    def __init__(
        self, trainable: bool = True, name: Any = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        scope, self._reuse = kwargs.pop("_scope", None), kwargs.pop("_reuse", None)
        kwargs.pop("autocast", None)
        self.activity_regularizer = kwargs.pop("activity_regularizer", None)
        if kwargs:
            raise TypeError(f"Keyword argument not understood: {next(iter(kwargs))}")
        self._set_name(name)
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype)
        self._trainable = trainable
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._losses: list[Callable[[], Any]] = []
        self._updates: list[Any] = []
        if scope:
            with variable_scope(scope) as entered:
                self._scope = entered

    def __setattr__(self, name: str, value: Any) -> None:
        # Attributes are not dependencies; weights are, by their names.
        object.__setattr__(self, name, value)

    def _set_name(self, name: Any) -> None:
        """Stores the layer's own name, and the one that its scope is named for."""
        base = name_of_class(type(self).__name__)
        if isinstance(name, VariableScope):
            self._base_name, self._name = name.name, _numbered(base)
        else:
            self._base_name, self._name = name or base, name or _numbered(base)

    @property
    def dtype(self) -> str | None:  # type: ignore[override]
        """The name of the type of the weights; None before it is known."""
        return None if self._dtype is None else self._dtype.name

    compute_dtype = variable_dtype = dtype_policy = dtype  # type: ignore[assignment]

    @property
    def scope_name(self) -> str:
        """The name of the scope of the layer's variables.

        Raises:
          ValueError: the layer was not called yet.
        """
        if self._scope is None:
            raise ValueError(
                f'No name available for layer scope because the layer "{self._name}" has not been used '
                "yet. The scope name  is determined the first time the layer instance is called. You "
                "must therefore call the layer before querying `scope_name`."
            )
        return self._scope.name

    @property
    def graph(self) -> None:
        """None: layers know no graph.

        Raises:
          RuntimeError: when executing eagerly.
        """
        if STATE.graph is None:
            raise RuntimeError("Layer.graph not supported when executing eagerly.")

    # -- calls

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Calls `call` in the layer's scope, after `build` at the first time.

        Args:
          inputs: of the layer.
          *args: more arguments of `call`.
          **kwargs: likewise; `scope` is the scope of variables at the first call.
        """
        self._set_scope(kwargs.pop("scope", None))
        reuse = True if self.built else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            if "scope" in _parameters(type(self).call):
                kwargs["scope"] = scope
            with self._names():
                outputs = self._computed(inputs, args, kwargs)
        if STATE.graph is not None:
            _add_once(GraphKeys.UPDATE_OPS, self._updates)
        return outputs

    def _computed(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = nest.map_structure(_converted, inputs)
        check_inputs(self.input_spec, inputs, self.name)
        if not self.built:
            self._build_for(inputs)
        outputs = converted_call(self.call, inputs, *args, **kwargs)
        if self.activity_regularizer is not None:
            for output in nest.flatten(outputs):
                self.add_loss(self._activity_penalty(output))
        return outputs

    def _activity_penalty(self, output: Any) -> Any:
        """The penalty on outputs, for each example of a batch."""
        with name_scope("ActivityRegularizer"):
            penalty = convert_to_tensor(self.activity_regularizer(output))
            examples = convert_to_tensor(raw.Shape(input=output)[0])
            return penalty / raw.Cast(x=examples, DstT=penalty.dtype)

    def _build_for(self, inputs: Any) -> None:
        """Builds the layer, with the dtype of the inputs if none is set."""
        leaves = nest.flatten(inputs)
        if self._dtype is None and leaves and hasattr(leaves[0], "dtype"):
            self._dtype = dtypes.as_dtype(leaves[0].dtype).base_dtype
        self.build(nest.map_structure(lambda leaf: getattr(leaf, "shape", None), inputs))
        self.built = True

    def _set_scope(self, scope: Any = None) -> None:
        """Chooses the scope of variables, once."""
        if self._scope is not None:
            return
        if self._reuse:
            opened = variable_scope(self._base_name if scope is None else scope)
        else:
            opened = variable_scope(scope, default_name=self._base_name)
        with opened as entered:
            self._scope = entered

    @contextlib.contextmanager
    def _names(self) -> Iterator[None]:
        """The scope of the names of operations."""
        assert self._current_scope is not None
        with name_scope(self._current_scope.original_name_scope):
            yield

    # -- weights

    def add_weight(  # type: ignore[override]
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        partitioner: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Returns a new variable of the layer, or the existing one of its name if the layer shares variables.

        Args:
          name: within the layer's scope.
          shape: of the variable.
          dtype: that of the layer by default.
          initializer: that of the scope by default.
          regularizer: a function of the variable whose result is a loss.
          trainable: True by default, unless the variable is synchronized when it is read.
          constraint: what optimizers apply to the variable after an update.
          use_resource: whether the variable does not stand for a reference.
          synchronization: when replicas' values are combined.
          aggregation: how replicas' values are combined.
          partitioner: cuts the variable into parts.
          **kwargs: `experimental_autocast`, without effect.

        Raises:
          ValueError: the variable is trainable and synchronized when it is read.
          TypeError: an argument is unknown.
        """
        for unknown in kwargs.keys() - {"experimental_autocast"}:
            raise TypeError("Unknown keyword argument:", unknown)
        on_read = synchronization is VariableSynchronization.ON_READ
        if on_read and trainable:
            raise ValueError(
                "Synchronization value can be set to VariableSynchronization.ON_READ only for "
                "non-trainable variables. You have specified trainable=True and "
                "synchronization=VariableSynchronization.ON_READ."
            )
        trainable = not on_read if trainable is None else trainable
        self._set_scope(None)
        existing = [*self._trainable_weights, *self._non_trainable_weights]
        if not executing_eagerly_outside_functions():
            existing += global_variables()  # their penalties are losses of the graph already
        known = {id(weight) for weight in existing}
        reuse = self.built or self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with self._names():
                variable = self._add_variable_with_custom_getter(
                    name,
                    shape=shape,
                    dtype=dtypes.as_dtype(dtype or self._dtype or dtypes.float32),
                    initializer=scope.initializer if initializer is None else initializer,
                    getter=get_variable,
                    overwrite=True,
                    trainable=trainable and self.trainable,
                    constraint=constraint,
                    partitioner=partitioner,
                    use_resource=use_resource or scope.use_resource,
                    synchronization=synchronization,
                    aggregation=aggregation,
                )
                parts = variable if isinstance(variable, PartitionedVariable) else [variable]
                if regularizer is not None and all(id(part) not in known for part in parts):
                    self._add_penalties(name, variable, regularizer)
        self._keep(variable, trainable and self.trainable)
        return variable

    def _keep(self, variable: Any, trainable: bool) -> None:
        """Adds a variable, or each of its parts, to the weights."""
        kept = trainable and is_trainable(variable)
        weights = self._trainable_weights if kept else self._non_trainable_weights
        for part in variable if isinstance(variable, PartitionedVariable) else [variable]:
            if all(part is not weight for weight in weights):
                weights.append(part)

    def _add_penalties(self, name: str, variable: Any, regularizer: Callable[[Any], Any]) -> None:
        def penalty(part: Any) -> Any:
            with name_scope(f"{name}/Regularizer"):
                return regularizer(part)

        for part in variable if isinstance(variable, PartitionedVariable) else [variable]:
            self.add_loss(functools.partial(penalty, part))

    def _by_trainable(self, trainable: bool) -> list[Variable]:
        if trainable:
            return list(self._trainable_weights) if self.trainable else []
        own = [] if self.trainable else self._trainable_weights
        return [*own, *self._non_trainable_weights]

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return Trackable._trackable_children(self, save_type, **kwargs)

    # -- losses and updates

    def add_loss(self, losses: Any, inputs: Any = None) -> None:  # type: ignore[override]
        """Adds losses, or functions without arguments that return losses; in a graph also to its collection."""
        del inputs
        for loss in nest.flatten(losses):
            loss_or_function = (
                loss if callable(loss) else functools.partial(convert_to_tensor, loss)
            )
            self._losses.append(loss_or_function)
            value = loss_or_function() if STATE.graph is not None else None
            if value is not None:
                _add_once(GraphKeys.REGULARIZATION_LOSSES, [value])

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Keeps operations, or runs functions, that update the layer's state."""
        del inputs
        for update in nest.flatten(updates):
            operation = update() if callable(update) and not isinstance(update, Tensor) else update
            if (
                STATE.graph is not None
                and not STATE.graph.building_function
                and operation is not None
            ):
                self._updates.append(operation)

    @property
    def updates(self) -> list[Any]:  # type: ignore[override]
        """The operations that update the layer's state, in a graph."""
        return list(self._updates) if self.trainable or self.stateful else []

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a layer from the arguments that `get_config` returns."""
        return cls(**config)


def is_trainable(variable: Any) -> bool:
    """True if a variable, or the first shard of a partitioned one, is trainable. In a graph its collections decide."""
    first = next(iter(variable)) if isinstance(variable, PartitionedVariable) else variable
    if executing_eagerly_outside_functions():
        return bool(first.trainable)
    return any(first is other for other in trainable_variables())


def _converted(value: Any) -> Any:
    """Python and NumPy numbers as tensors; the rest as it is."""
    return value if hasattr(value, "dtype") and isinstance(value, Tensor) else _as_tensor(value)


def _as_tensor(value: Any) -> Any:
    is_number = isinstance(value, int | float) or type(value).__module__ == "numpy"
    return convert_to_tensor(value) if is_number else value


@functools.cache
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _numbered(base: str) -> str:
    """The name of the next layer of a class in the current graph: `dense_1`."""
    counts = _COUNTS.setdefault(get_default_graph(), collections.Counter())
    counts[base] += 1
    return f"{base}_{counts[base]}"


def _add_once(key: str, elements: list[Any]) -> None:
    """Adds the elements that a collection of the graph lacks."""
    collection = get_collection_ref(key)
    known = {id(element) for element in collection}
    collection.extend(element for element in elements if id(element) not in known)
