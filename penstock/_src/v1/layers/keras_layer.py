"""The part of Keras 2's layer that TensorFlow's own RNN cell wrappers still expose.

A layer here is called eagerly or in a function, never on symbolic inputs of Keras. It therefore has no nodes, and
methods that need them raise the errors of Keras 2.
"""

import collections
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from penstock._src.api.initializers import Zeros
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.util import nest
from penstock._src.util.signatures import read_only, read_write
from penstock._src.v1.variables.initializers import GlorotUniform

_COUNTS: collections.Counter[str] = collections.Counter()


def _without_nodes(what: str) -> Any:
    """Returns the method that would return something of one of a layer's nodes."""

    def of_node(self: Any, node_index: int) -> NoReturn:
        """Raises an error: there are no nodes.

        Args:
          node_index: accepted.

        Raises:
          RuntimeError: always.
        """
        raise RuntimeError(f"The layer has never been called and thus has no defined {what}.")

    return of_node


class LegacyLayer(Module):
    """A module that is built at its first call and owns weights.

    Args:
      name: by default the class name in snake case, with a number from the second layer on.
      trainable: whether its weights are trainable.
      dtype: the type of its weights, float32 by default.
    """

    def __init__(self, name: str | None = None, trainable: bool = True, dtype: Any = None) -> None:
        super().__init__(name or _unique_name(name_of_class(type(self).__name__)))
        self._dtype = dtypes.as_dtype(dtype or dtypes.float32)
        self._trainable, self.built = trainable, False
        self._own: list[Variable] = []
        self._losses: list[Callable[[], Any]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inputs, *rest = args
        inputs = nest.map_structure(self._converted, inputs)
        if not self.built:
            with self.name_scope:
                self.build(nest.map_structure(lambda tensor: tensor.shape, inputs))
            self.built = True
        with self.name_scope:
            return self.call(inputs, *rest, **kwargs)

    def _converted(self, value: Any) -> Any:
        tensor = convert_to_tensor(value)
        if tensor.dtype.is_floating and tensor.dtype != self._dtype:
            return raw.Cast(x=tensor, DstT=self._dtype)
        return tensor

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        del input_shape
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no `call`.")

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer.

        Args:
          inputs, *args, **kwargs: of the call.

        Returns:
          What the call returns.
        """
        return self(inputs, *args, **kwargs)

    # -- weights

    def add_weight(
        self,
        name: str | None = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        **kwargs: Any,
    ) -> Variable:
        """Creates a variable of the layer; the default initializer of floating-point ones is Glorot uniform.

        Args:
          name: of the variable.
          shape: of the variable; `()` by default.
          dtype: of the variable; by default the layer's.
          initializer: of its value.
          regularizer: of its value: a function that returns a loss.
          trainable: whether it is among the layer's trainable weights.
          constraint: a function that is applied to its value after each update.
          use_resource: accepted: all variables are.
          synchronization, aggregation: how replicas share it.
          **kwargs: further arguments of Keras's method.

        Returns:
          A variable.
        """
        del use_resource, kwargs
        kind = dtypes.as_dtype(dtype or self._dtype)
        if initializer is None:
            floating = kind.is_floating or kind.is_complex
            initializer = GlorotUniform() if floating else Zeros()
        weight = Variable(
            lambda: initializer(() if shape is None else shape, dtype=kind),
            trainable=True if trainable is None else trainable,
            name=name,
            dtype=kind,
            constraint=constraint,
            synchronization=synchronization,
            aggregation=aggregation,
        )
        if regularizer is not None:
            self._losses.append(lambda: regularizer(weight))
        self._own.append(weight)
        return weight

    def add_variable(self, *args: Any, **kwargs: Any) -> Variable:
        """Calls `add_weight`.

        Args:
          *args, **kwargs: of `add_weight`.

        Returns:
          A variable.
        """
        return self.add_weight(*args, **kwargs)

    def _by_trainable(self, trainable: bool) -> list[Variable]:
        """The trainable or non-trainable weights: the layer's own, then those of its sublayers."""
        weights = [*self._own, *super().variables]
        unique = {id(weight): weight for weight in weights}.values()
        return [w for w in unique if (self._trainable and w.trainable) == trainable]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The trainable weights."""
        return self._by_trainable(True)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The non-trainable weights."""
        return self._by_trainable(False)

    @property
    def weights(self) -> list[Variable]:
        """All weights, the trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """The values of the weights.

        Returns:
          A list of NumPy arrays.
        """
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of the weights.

        Args:
          weights: arrays, in the order of `weights`.

        Raises:
          ValueError: the number of values differs from the number of weights.
        """
        expected = self.weights
        if len(weights) != len(expected):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a weight list of length '
                f"{len(weights)}, but the layer was expecting {len(expected)} weights. "
                f"Provided weights: {str(weights)[:50]}..."
            )
        for weight, value in zip(expected, weights, strict=True):
            weight.assign(value)

    def count_params(self) -> int:
        """The number of scalars in the weights.

        Returns:
          An int.

        Raises:
          ValueError: the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't built. "
                f"You can build it manually via: `{self.name}.build(batch_input_shape)`."
            )
        return sum(int(np.prod(weight.shape.as_list())) for weight in self.weights)

    # -- losses, metrics and updates

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Adds a function without arguments that returns a loss, or a list of such functions.

        Args:
          losses: the functions.
          **kwargs: accepted.

        Raises:
          ValueError: a loss is a value rather than a function.
        """
        del kwargs
        for loss in nest.flatten(losses):
            if not callable(loss):
                raise ValueError(
                    "Expected a symbolic Tensors or a callable for the loss value. Please wrap your "
                    "loss computation in a zero argument `lambda`."
                )
            self._losses.append(loss)

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> NoReturn:
        """Raises an error: metrics need symbolic tensors of Keras 2.

        Args:
          value, name, **kwargs: of the metric.

        Raises:
          ValueError: always.
        """
        raise ValueError(f"Expected a symbolic Tensor for the metric value, received: {value}")

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Calls `updates` if it is a function; operations run on their own, eagerly or with their graph.

        Args:
          updates: operations or functions without arguments.
          inputs: accepted.
        """
        del inputs
        for update in nest.flatten(updates):
            if callable(update):
                update()

    @property
    def losses(self) -> list[Any]:
        """The losses, computed now."""
        return [loss() for loss in self._losses]

    metrics = property(lambda _: [], doc="No metrics.")
    updates = property(lambda _: [], doc="No updates: they run when they are created.")

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """Return all losses, as none depends on inputs.

        Args:
          inputs: accepted.

        Returns:
          A list.
        """
        del inputs
        return self.losses

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """No updates.

        Args:
          inputs: accepted.

        Returns:
          An empty list.
        """
        del inputs
        return self.updates

    def finalize_state(self) -> None:
        """Does nothing."""

    # -- types and shapes

    # No requirements on the inputs.
    input_spec: Any = None
    # No penalty on the outputs.
    activity_regularizer: Any = None

    dtype = read_only("_dtype.name", "The name of the type of the weights.")

    compute_dtype = variable_dtype = dtype_policy = dtype

    trainable = read_write("_trainable", "True if the weights are trainable.")

    # True if the layer runs only eagerly.
    dynamic = False
    # True if the layer keeps a state between batches.
    stateful = False
    # True if the layer accepts masks.
    supports_masking = False

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns None.

        Args:
          inputs: accepted.
          mask: None.

        Raises:
          TypeError: a mask is given.
        """
        del inputs
        if mask is not None:
            raise TypeError(f"Layer {self.name} does not support masking, but was passed a mask.")
        return None

    def compute_output_shape(self, input_shape: Any) -> NoReturn:
        """Raises an error: outputs are unknown before a call.

        Args:
          input_shape: of the inputs.
        """
        raise NotImplementedError(
            "We could not automatically infer the static shape of the layer's output. Please implement "
            f"the `compute_output_shape` method on your layer ({type(self).__name__})."
        )

    def compute_output_signature(self, input_signature: Any) -> Any:
        """Returns the shapes of outputs, if a subclass's `compute_output_shape` gives them.

        Args:
          input_signature: a structure of TensorSpecs.

        Returns:
          What `compute_output_shape` returns.
        """
        return self.compute_output_shape(nest.map_structure(lambda s: s.shape, input_signature))

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the layer."""
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}

    # -- nodes: the layer has none

    inbound_nodes = outbound_nodes = property(lambda _: [], doc="No nodes.")

    def _unconnected(self, what: str) -> NoReturn:
        raise AttributeError(f"Layer {self.name} {what}")

    @property
    def input(self) -> NoReturn:
        """Raises an error: there are no nodes."""
        self._unconnected("is not connected, no input to return.")

    input_mask = input

    @property
    def output(self) -> NoReturn:
        """Raises an error: there are no nodes."""
        self._unconnected("has no inbound nodes.")

    output_mask = output

    @property
    def input_shape(self) -> NoReturn:
        """Raises an error: there are no nodes."""
        raise AttributeError("The layer has never been called and thus has no defined input shape.")

    @property
    def output_shape(self) -> NoReturn:
        """Raises an error: there are no nodes."""
        raise AttributeError(
            "The layer has never been called and thus has no defined output shape."
        )

    get_input_at = _without_nodes("input")
    get_output_at = _without_nodes("output")
    get_input_shape_at = _without_nodes("input shape")
    get_output_shape_at = _without_nodes("output shape")
    get_input_mask_at = _without_nodes("input mask")
    get_output_mask_at = _without_nodes("output mask")


def _unique_name(stem: str) -> str:
    _COUNTS[stem] += 1
    return stem if _COUNTS[stem] == 1 else f"{stem}_{_COUNTS[stem] - 1}"


def name_of_class(kind: str) -> str:
    """The name of a class in snake case, `max_pooling2d` for MaxPooling2D."""
    parted = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    parted = re.sub("([a-z])([A-Z])", r"\1_\2", parted).lower()
    return f"private{parted}" if parted.startswith("_") else parted
