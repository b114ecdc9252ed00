"""Wrappers of recurrent cells: dropout, residual connections, a device.

Both Keras's cells and those of TensorFlow 1 are wrapped like this; the classes differ in how they call the cell.
"""

import base64
import hashlib
import inspect
import marshal
import types
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.api.random.functions import uniform
from penstock._src.core.calls.consent import is_allowed
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import device as device_scope
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util import nest
from penstock._src.util.signatures import read_only
from penstock._src.v1.functions.nn import dropout
from penstock._src.v1.layers.recurrent.states import dims_of

SEED_BITS = 0x7FFFFFFF


class CellWrapping:
    """Base of the wrappers of Keras's cells and of TensorFlow 1's."""

    cell: Any

    def __init__(self, cell: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell = cell
        self._configure(*args)

    def _configure(self, *args: Any) -> None:
        """Stores the wrapper's own arguments."""

    state_size = read_only("cell.state_size", "As the cell's.")
    output_size = read_only("cell.output_size", "As the cell's.")

    def build(self, inputs_shape: Any) -> None:
        """Builds the cell.

        Args:
          inputs_shape: of the inputs.
        """
        self.cell.build(inputs_shape)
        self.built = True

    def _run(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        return call(inputs, state)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero state of the cell.

        Args:
          batch_size: an integer scalar.
          dtype: of the state.

        Returns:
          A structure of tensors.
        """
        with name_scope(f"{type(self).__name__}ZeroState"):
            return self.cell.zero_state(batch_size, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the wrapper, including the config of the cell."""
        cell = {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}
        return {**super().get_config(), "cell": cell}  # type: ignore[misc]


class DeviceWrapping(CellWrapping):
    """Runs a cell on a device.

    Args:
      cell: the cell.
      device: the device, or None for no preference.
      **kwargs: `name`, `trainable`, `dtype`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        args = (*args, *(kwargs.pop(key) for key in ("cell", "device") if key in kwargs))
        super().__init__(*args, **kwargs)

    def _configure(self, device: Any) -> None:  # type: ignore[override]
        self._device = device

    def _run(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        with device_scope(self._device):
            return call(inputs, state)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero state of the cell, on the device.

        Args:
          batch_size: an integer scalar.
          dtype: of the state.

        Returns:
          A structure of tensors.
        """
        with device_scope(self._device):
            return self.cell.zero_state(batch_size, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the wrapper.

        Returns:
          A dict.
        """
        return {**super().get_config(), "device": self._device}


class ResidualWrapping(CellWrapping):
    """Adds a cell's inputs to its outputs.

    A `residual_fn` in a configuration from elsewhere is made only where tf.saved_model.experimental.allow("python") holds.

    Args:
      cell: the cell.
      residual_fn: combines inputs and outputs; addition by default.
      **kwargs: `name`, `trainable`, `dtype`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cell, *rest = (*args, *([kwargs.pop("cell")] if "cell" in kwargs else []))
        residual = kwargs.pop("residual_fn", None)
        kind, _ = kwargs.pop("residual_fn_type", None), kwargs.pop("residual_fn_module", None)
        if kind is not None:
            residual = _loaded_function(residual)
        super().__init__(cell, *(rest or [residual]), **kwargs)

    def _configure(self, residual_fn: Any) -> None:  # type: ignore[override]
        self._residual_fn = residual_fn

    def _run(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        outputs, state = call(inputs, state)
        return (self._residual_fn or _sum)(inputs, outputs), state

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the wrapper; a `residual_fn` is stored as Python bytecode.

        Returns:
          A dict.
        """
        config = super().get_config()
        if self._residual_fn is not None:
            config |= _described("residual_fn", self._residual_fn)
        return config


# Digests of the bytecode in configurations that this process has made.
_DUMPED: set[bytes] = set()


def _sum(inputs: Any, outputs: Any) -> Any:
    nest.assert_same_structure(inputs, outputs)
    return nest.map_structure(lambda i, o: i + o, inputs, outputs)


def _described(name: str, function: Any) -> dict[str, Any]:
    """Return the config of a function."""
    is_lambda = function.__name__ == "<lambda>"
    return {
        name: _dumped_function(function),
        f"{name}_type": "lambda" if is_lambda else "function",
        f"{name}_module": function.__module__,
    }


def _dumped_function(function: Any) -> tuple[str, Any, Any]:
    closure = function.__closure__ and tuple(cell.cell_contents for cell in function.__closure__)
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode()
    _DUMPED.add(hashlib.sha256(code.encode()).digest())
    return code, function.__defaults__, closure


def _loaded_function(dumped: Any) -> Any:
    code, defaults, closure = dumped
    if hashlib.sha256(code.encode()).digest() not in _DUMPED and not is_allowed("python"):
        raise ValueError(
            "RNNCellResidualWrapper: the configuration holds the bytecode of a `residual_fn` that this process has not "
            "written. Bytecode can do anything: if you trust its source, load it within "
            'tf.saved_model.experimental.allow("python"), or set PENSTOCK_ALLOW=python.'
        )
    cells = closure and tuple(types.CellType(value) for value in closure)
    bytecode = marshal.loads(base64.decodebytes(code.encode()))
    return types.FunctionType(bytecode, globals(), argdefs=defaults, closure=cells)


class DropoutWrapping(CellWrapping):
    """Applies dropout to a cell's inputs, outputs and state.

    Args:
      cell: the cell; not one of Keras 2's LSTMs.
      input_keep_prob: the probability that an element of the inputs is kept; a number or a scalar tensor.
      output_keep_prob: likewise for the outputs.
      state_keep_prob: likewise for the state that is passed to the next step.
      variational_recurrent: whether all steps use the same dropout mask; requires `dtype`, and `input_size` if
        inputs are dropped.
      input_size: the shape of the inputs without the batch, or a structure of them.
      dtype: the type of inputs, outputs and state.
      seed: of the random choices.
      dropout_state_filter_visitor: returns for each part of the state whether it is dropped (True or False for all of it).
      **kwargs: `name`, `trainable`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "dropout_fn" in kwargs:
            kwargs["dropout_state_filter_visitor"] = _loaded_function(kwargs.pop("dropout_fn"))
            del kwargs["dropout_fn_type"], kwargs["dropout_fn_module"]
        own = inspect.signature(self._take)
        bound = own.bind(*args, **{k: kwargs.pop(k) for k in (*own.parameters,) if k in kwargs})
        bound.apply_defaults()
        self._choices = dict(bound.arguments)
        super().__init__(self._choices.pop("cell"), dtype=self._choices["dtype"], **kwargs)
        self._check()
        visitor = self._choices["dropout_state_filter_visitor"]
        self._dropout_state_filter = visitor or _all_but_lstm_memory
        self._noise = self._shared_noise() if self._choices["variational_recurrent"] else None

    @staticmethod
    def _take(
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Any = None,
    ) -> None:
        """Has the signature to which `__init__` binds its arguments."""

    wrapped_cell = read_only("cell", "The cell within.")

    def _check(self) -> None:
        """Raises an error for probabilities outside [0, 1], and for missing arguments of variational dropout."""
        choices = self._choices
        visitor = choices["dropout_state_filter_visitor"]
        if visitor is not None and not callable(visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        with name_scope("DropoutWrapperInit"):
            for name in ("input_keep_prob", "state_keep_prob", "output_keep_prob"):
                choices[name] = _probability(name, choices[name])
        if choices["variational_recurrent"]:
            if choices["dtype"] is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            if _may_drop(choices["input_keep_prob"]) and choices["input_size"] is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size "
                    "must be provided"
                )

    def _shared_noise(self) -> dict[str, Any]:
        """The noise of each kind that all steps share, of shape [1, *size]."""
        sizes = {
            "input": self._choices["input_size"],
            "state": self.state_size,
            "output": self.output_size,
        }
        return {
            kind: _map_numbered(lambda i, size, kind=kind: self._drawn(kind, i, size), structure)
            for kind, structure in sizes.items()
            if kind != "input" or _may_drop(self._choices["input_keep_prob"])
        }

    def _drawn(self, kind: str, index: int, size: Any) -> Tensor:
        return uniform([1, *dims_of(size)], dtype=self._dtype, seed=self._seed(kind, index))

    def _seed(self, kind: str, index: int) -> int | None:
        """The seed of a kind and index: a hash with the wrapper's seed."""
        if self._choices["seed"] is None:
            return None
        text = f"{self._choices['seed']}{kind}_{index}"
        return int(hashlib.md5(text.encode()).hexdigest()[:8], 16) & SEED_BITS

    def _dropped(self, values: Any, kind: str) -> Any:
        keep = self._choices[f"{kind}_keep_prob"]
        if not _may_drop(keep):
            return values
        drops = (
            _visited(self._dropout_state_filter, values)
            if kind == "state"
            else nest.map_structure(lambda _: True, values)
        )
        noise = (
            nest.map_structure(lambda _: None, values)
            if self._noise is None
            else nest.pack_sequence_as(values, nest.flatten(self._noise[kind]))
        )

        def dropped(index: int, value: Any, drop: bool, shared: Any) -> Any:
            if not drop:
                return value
            if shared is None:
                return dropout(value, keep_prob=keep, seed=self._seed(kind, index))
            kept = raw.Floor(x=convert_to_tensor(keep, value.dtype) + shared)
            result = (value / convert_to_tensor(keep, value.dtype)) * kept
            result.set_shape(value.shape)
            return result

        return _map_numbered(dropped, values, drops, noise)

    def _run(self, inputs: Any, state: Any, call: Callable[[Any, Any], Any]) -> Any:
        outputs, state = call(self._dropped(inputs, "input"), state)
        return self._dropped(outputs, "output"), self._dropped(state, "state")

    def get_config(self) -> dict[str, Any]:
        """The arguments that recreate the wrapper; a function of the state's parts is stored as Python bytecode.

        Returns:
          A dict.
        """
        names = (
            "input_keep_prob output_keep_prob state_keep_prob variational_recurrent input_size seed"
        )
        config = super().get_config() | {name: self._choices[name] for name in names.split()}
        if self._dropout_state_filter is not _all_but_lstm_memory:
            config |= _described("dropout_fn", self._dropout_state_filter)
        return config


def _probability(name: str, value: Any) -> Any:
    """A probability as a number if it is static, else as a tensor.

    Raises:
      ValueError: it is not between 0 and 1.
    """
    tensor = convert_to_tensor(value)
    known = get_static_value(tensor)
    if known is None:
        return tensor
    if not 0 <= known <= 1:
        raise ValueError(f"Parameter {name} must be between 0 and 1: {known:g}")
    return float(known)


def _may_drop(keep: Any) -> bool:
    """True if a keep probability is less than 1 or not static."""
    return isinstance(keep, Tensor) or keep < 1


def _map_numbered(function: Callable[..., Any], *structures: Any) -> Any:
    flat = [nest.flatten(structure) for structure in structures]
    results = [function(i, *leaves) for i, leaves in enumerate(zip(*flat, strict=True))]
    return nest.pack_sequence_as(structures[0], results)


def _all_but_lstm_memory(part: Any) -> Any:
    """Drops everything except `c` of a (c, h) pair and parts that are not tensors."""
    if type(part).__name__ == "LSTMStateTuple":
        return type(part)(c=False, h=True)
    return not type(part).__name__ == "TensorArray"


def _visited(visitor: Callable[[Any], Any], part: Any) -> Any:
    """Return a bool for each leaf: True if it is dropped. The visitor's answer for a substructure holds for all its leaves."""
    answer = visitor(part)
    if nest.is_nested(part) and not nest.is_nested(answer) and answer:
        children = part.values() if isinstance(part, dict) else part
        visited = [_visited(visitor, child) for child in children]
        return nest.pack_sequence_as(part, nest.flatten(visited))
    if nest.is_nested(part) and not nest.is_nested(answer):
        return nest.map_structure(lambda _: answer, part)
    return answer
