"""`tensorflow.python.framework.ops`: graphs, names and conversions as code in the wild reaches for them."""

from __future__ import annotations

import contextlib
import enum
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies as control_dependencies_v2
from penstock._src.api.control.scopes import name_scope as name_scope_v2
from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.api.numpy.promotion import RULES
from penstock._src.core import convert, dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import register_tensor_conversion_function
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.eager.context import executing_eagerly
from penstock._src.eager.trackable_resource import resource_creator_scope
from penstock._src.graph.operation import SymbolicTensor, graph_of
from penstock._src.proto.graph import NodeDef
from penstock._src.util import nest
from penstock._src.v1.graphs import default_graph
from penstock._src.v1.graphs.devices import colocate_with
from penstock._src.v1.graphs.scoped_graphs import prepend_name_scope, strip_name_scope
from penstock._src.v1.saving.meta_graph import proto_functions, register_proto_function

from ..eager import context
from .gradient_registry import GradientRegistry
from .registry import Registry

__all__ = [
    "colocate_with",
    "context",
    "control_dependencies_v2",
    "dtypes",
    "prepend_name_scope",
    "register_proto_function",
    "register_tensor_conversion_function",
    "resource_creator_scope",
    "strip_name_scope",
]

_NUMBERS = itertools.count()
_gradient_registry = gradient_registry = GradientRegistry()
_STATISTICS = Registry("statistical functions")

NullContextmanager = contextlib.nullcontext
enable_eager_execution_internal = default_graph.enable_eager_execution


def uid() -> int:
    """Returns a unique number."""
    return next(_NUMBERS)


def numpy_text(tensor: Tensor, is_repr: bool = False) -> str:
    """Returns a tensor's value as its `str` or `repr` shows it; several lines begin on a line of their own."""
    value = np.asarray(tensor)
    if value.dtype.kind == "O" and value.ndim == 0:
        value = value.item()
    shown = value.item() if is_repr and isinstance(value, np.ndarray) and not value.ndim else value
    text = repr(shown) if is_repr else str(shown)
    return "\n" + text if "\n" in text else text


# -- names


def name_scope(
    name: str | None,
    default_name: str | None = None,
    values: Any = None,
    skip_on_eager: bool = True,
) -> Any:
    """A scope of names in graphs; eagerly one that does nothing unless `skip_on_eager` is False."""
    if not executing_eagerly():
        return name_scope_v1(name, default_name, values)
    if skip_on_eager:
        return contextlib.nullcontext()
    name = default_name if name is None else name
    symbolic = next((v for v in values or () if isinstance(v, SymbolicTensor)), None)
    return name_scope_v2(name or "") if symbolic is None else symbolic.graph.name_scope(name)


def name_from_scope_name(name: str) -> str:
    """Returns the name of the operation that owns a name scope."""
    return name.removesuffix("/")


def _NodeDef(op_type: str, name: str, attrs: dict[str, Any] | None = None) -> Any:
    """Returns a NodeDef."""
    node_def = NodeDef(op=op_type, name=name)
    for key, value in (attrs or {}).items():
        node_def.attr[key].CopyFrom(value)
    return node_def


# -- conversion


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    as_ref: bool = False,
    preferred_dtype: Any = None,
    dtype_hint: Any = None,
    ctx: Any = None,
    accepted_result_types: tuple[type, ...] = (Tensor,),
) -> Any:
    """Returns `value` as a tensor; see `tf.convert_to_tensor`."""
    del ctx, accepted_result_types
    return convert.convert_to_tensor(value, dtype, name, as_ref, preferred_dtype, dtype_hint)


internal_convert_to_tensor = convert_to_tensor


def internal_convert_n_to_tensor(
    values: Any,
    dtype: Any = None,
    name: str | None = None,
    as_ref: bool = False,
    preferred_dtype: Any = None,
    ctx: Any = None,
) -> list[Any]:
    """Returns each of `values` as a tensor; tensor `i` is called `<name>_<i>`."""
    del as_ref, ctx
    return convert_n_to_tensor(values, dtype, name, preferred_dtype)


def convert_n_to_tensor(
    values: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None
) -> list[Any]:
    """Returns each of `values` as a tensor; tensor `i` is called `<name>_<i>`."""
    if not isinstance(values, list | tuple):
        raise TypeError(f"`values` must be a sequence, not a {type(values).__name__}.")
    names = [None if name is None else f"{name}_{i}" for i in range(len(values))]
    return [
        convert.convert_to_tensor(v, dtype, n, preferred_dtype=preferred_dtype)
        for v, n in zip(values, names)
    ]


def get_all_collection_keys() -> list[Any]:
    """Returns the names of the collections of the default graph."""
    return default_graph.get_default_graph().get_all_collection_keys()


def convert_to_tensor_or_composite(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns `value` unchanged if it is a composite tensor, else converts it to a tensor."""
    if nest.is_composite(value):
        own_dtype = getattr(value, "dtype", None)
        if (
            dtype is not None
            and own_dtype is not None
            and not dtypes.as_dtype(dtype).is_compatible_with(own_dtype)
        ):
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype "
                f"{own_dtype.name}: {value!r}"
            )
        return value
    return convert.convert_to_tensor(value, dtype=dtype, name=name)


def convert_n_to_tensor_or_composite(
    values: Any, dtype: Any = None, name: str | None = None
) -> list[Any]:
    """Returns each of `values` as it is if it is None or a composite tensor, else as a tensor."""
    if not isinstance(values, list | tuple):
        raise TypeError(f"`values` must be a sequence, not a {type(values).__name__}.")
    return [
        None
        if v is None
        else convert_to_tensor_or_composite(v, dtype, None if name is None else f"{name}_{i}")
        for i, v in enumerate(values)
    ]


def internal_convert_to_tensor_or_indexed_slices(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    """Returns `value` unchanged if it is an IndexedSlices, else converts it to a tensor."""
    if isinstance(value, IndexedSlices):
        return convert_to_tensor_or_composite(value, dtype)
    return convert.convert_to_tensor(value, dtype, name, as_ref)


# -- conversion modes


class PromoMode(enum.Enum):
    """The mode in which binary ops convert the types of their arguments."""

    OFF = 0
    LEGACY = 1
    SAFE = 2
    ALL = 3


def _mode_named(name: str) -> PromoMode:
    if not isinstance(name, str) or name.upper() not in PromoMode.__members__:
        raise ValueError(
            f"The provided promotion mode {name} does not exist. Make sure the provided dtype conversion mode is one of the "
            "followings: 'off', 'legacy', 'safe' or 'all'."
        )
    return PromoMode[name.upper()]


_get_promo_mode_enum = _mode_named


def get_dtype_conversion_mode() -> PromoMode:
    """Returns the mode in effect."""
    return PromoMode[RULES.conversion.upper()]


def set_dtype_conversion_mode(dtype_conversion_mode: str) -> None:
    """Sets the mode: "off", "legacy", "safe" or "all"."""
    # NumPy's functions load here only, as few programs use them
    from penstock._src.api.numpy_behavior.behavior import set_conversion_mode

    set_conversion_mode(_mode_named(dtype_conversion_mode).name.lower())


def is_auto_dtype_conversion_enabled() -> bool:
    """True if types are converted along the lattice."""
    return RULES.conversion in ("safe", "all")


def is_numpy_style_type_promotion() -> bool:
    """True if types are converted as NumPy converts them."""
    return RULES.conversion == "legacy"


def promo_mode_enum_to_string(promo_safety_mode_enum: PromoMode) -> str:
    """Returns the name of a mode."""
    if not isinstance(promo_safety_mode_enum, PromoMode):
        raise ValueError(f"The provided promotion mode {promo_safety_mode_enum} does not exist.")
    return promo_safety_mode_enum.name.lower()


# -- registries


class OpStats:
    """A statistic of an operation: its type and its value, None if it is not known."""

    def __init__(self, statistic_type: str, value: Any = None) -> None:
        self.statistic_type, self.value = statistic_type, value

    def __iadd__(self, other: OpStats) -> OpStats:
        if other.statistic_type != self.statistic_type:
            raise ValueError(
                f"Can't add an OpStat of type {self.statistic_type} to one of {other.statistic_type}."
            )
        if self.value is None:
            self.value = other.value
        elif other.value is not None:
            self.value += other.value
        return self


class RegisterStatistics:
    """A decorator that registers the function `(graph, node) -> OpStats` of an op's statistic."""

    def __init__(self, op_type: str, statistic_type: str) -> None:
        for name, text in (("op_type", op_type), ("statistic_type", statistic_type)):
            if not isinstance(text, str):
                raise TypeError(f"{name} must be a string.")
            if "," in text:
                raise TypeError(f"{name} must not contain a comma.")
        self._key = f"{op_type},{statistic_type}"

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the function."""
        _STATISTICS.register(f, self._key)
        return f


def get_stats_for_node_def(graph: Any, node: Any, statistic_type: str) -> OpStats:
    """Returns a statistic of a node, without a value if none is registered for its op."""
    try:
        counted = _STATISTICS.lookup(f"{node.op},{statistic_type}")
    except LookupError:
        return OpStats(statistic_type)
    return counted(graph, node)


def get_gradient_function(op: Any) -> Any:
    """Returns the gradient function registered for an operation, None if it has no inputs.

    Raises:
      LookupError: none is registered.
    """
    if not op.inputs:
        return None
    override = getattr(op, "gradient_override", None)
    return _gradient_registry.lookup(op.type) if override is None else override


def get_collection_proto_type(collection_name: str) -> Any:
    """Returns the message class of a collection's items, or None."""
    return proto_functions(collection_name)[0]


def get_to_proto_function(collection_name: str) -> Any:
    """Returns the function from an item of a collection to its message, or None."""
    return proto_functions(collection_name)[1]


def get_from_proto_function(collection_name: str) -> Any:
    """Returns the function from a message to an item of a collection, or None."""
    return proto_functions(collection_name)[2]


# -- graphs


class _DefaultGraphStack:
    """The stack of default graphs."""

    @property
    def stack(self) -> list[Any]:
        """The graphs entered, outermost first."""
        return list(STATE.default_graphs)

    def get_default(self) -> Any:
        """Returns the innermost graph."""
        return default_graph.get_default_graph()

    def reset(self) -> None:
        """Replaces the outermost graph by a new one."""
        default_graph.reset_default_graph()


_default_graph_stack = _DefaultGraphStack()


def has_default_graph() -> bool:
    """True if a graph has been entered."""
    return bool(STATE.default_graphs)


def dismantle_graph(graph: Any) -> None:
    """Does nothing: garbage collection frees graphs."""
    del graph


def _get_graph_from_inputs(op_input_list: Any, graph: Any = None) -> Any:
    """Returns the graph of the inputs, or the current one.

    Raises:
      ValueError: they belong to different graphs.
    """
    current = default_graph.get_default_graph()
    if current.building_function:
        return graph or current
    if graph is None:
        return graph_of(op_input_list) or current
    for element in op_input_list:
        if graph_of([element]) not in (None, graph):
            raise ValueError(f"{element} is not from the passed-in graph.")
    return graph


def add_exit_callback_to_default_func_graph(fn: Callable[[], Any]) -> None:
    """Calls `fn()` when the function that is being traced is complete.

    Raises:
      RuntimeError: no function is being traced.
    """
    graph = STATE.graph
    if graph is None or not graph.building_function:
        raise RuntimeError(
            "Cannot add scope exit callbacks when not building a function. "
            f"Default graph: {default_graph.get_default_graph()}"
        )
    if not callable(fn):
        raise TypeError("fn is not callable")
    graph.exit_callbacks = [*graph.exit_callbacks, fn]
