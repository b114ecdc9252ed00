"""The attributes of operations as StableHLO has them: numbers that VHLO keeps one by one are grouped again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.stablehlo.module import (
    WORDS,
    Dense,
    Enum,
    HloOperation,
    OtherType,
    Scalar,
    SymbolRef,
    plain,
)
from penstock._src.stablehlo.spelling import Spelled, element_text

# Attributes that stay tensors; other vectors of 64-bit integers and bools are MLIR's arrays.
_TENSORS = frozenset("value padding replica_groups source_target_pairs".split())
# Attributes that are omitted where they have their default: an enumeration, an empty list, or one number everywhere.
_ASSUMED: dict[str, Any] = {
    "backend_config": "",
    "base_dilations": 1,
    "compare_type": "NOTYPE",
    "has_side_effect": False,
    "indices_are_sorted": False,
    "is_stable": False,
    "lhs_dilation": 1,
    "padding": 0,
    "precision_config": "DEFAULT",
    "result_accuracy": "DEFAULT",
    "rhs_dilation": 1,
    "unique_indices": False,
    "use_global_device_ids": False,
    "window_dilations": 1,
    "window_reversal": False,
    "window_strides": 1,
}
# Lists that are omitted where they are empty.
_OPTIONAL = frozenset(
    "called_computations known_expanding_dimensions known_nonexpanding_dimensions operand_layouts"
    " output_operand_aliases result_layouts".split()
)
_GROUPS = {
    "dot_general": (
        "dot_dimension_numbers",
        "dot",
        "lhs_batching_dimensions rhs_batching_dimensions lhs_contracting_dimensions"
        " rhs_contracting_dimensions",
    ),
    "gather": (
        "dimension_numbers",
        "gather",
        "offset_dims collapsed_slice_dims operand_batching_dims start_indices_batching_dims"
        " start_index_map index_vector_dim",
    ),
    "scatter": (
        "scatter_dimension_numbers",
        "scatter",
        "update_window_dims inserted_window_dims input_batching_dims"
        " scatter_indices_batching_dims scatter_dims_to_operand_dims index_vector_dim",
    ),
    "convolution": (
        "dimension_numbers",
        "conv",
        "input_batch_dimension input_feature_dimension input_spatial_dimensions"
        " kernel_input_feature_dimension kernel_output_feature_dimension"
        " kernel_spatial_dimensions output_batch_dimension output_feature_dimension"
        " output_spatial_dimensions",
    ),
}
_GROUPS["dynamic_gather"] = _GROUPS["gather"]
_GROUPS["dynamic_conv"] = _GROUPS["convolution"]
_ALGORITHM = (
    "lhs_precision_type rhs_precision_type accumulation_type lhs_component_count"
    " rhs_component_count num_primitive_operations allow_imprecise_accumulation"
)


def attributes_of(operation: HloOperation) -> dict[str, Any]:
    """An operation's attributes under StableHLO's names."""
    found = dict(operation.attributes)
    if operation.name in _GROUPS:
        name, kind, members = _GROUPS[operation.name]
        raw = "raw " if kind == "conv" else ""
        found[name] = Spelled(f"#stablehlo.{kind}<{raw}{_members(found, members.split())}>")
    _take_algorithm(found)
    if "channel_id" in found:
        handle = f"handle = {found.pop('channel_id')}, type = {found.pop('channel_type', 0)}"
        found["channel_handle"] = Spelled(f"#stablehlo.channel_handle<{handle}>")
    return {
        name: _SPECIAL.get(name, _plain)(name, value)
        for name, value in found.items()
        if not _is_assumed(name, value)
    }


def _members(found: dict[str, Any], names: Sequence[str]) -> str:
    parts = []
    for name in names:
        value = found.pop(name, None)
        if isinstance(value, Dense):
            numbers = [int(n) for n in value.array]
            if numbers or name.endswith(("spatial_dimensions", "contracting_dimensions")):
                parts.append(f"{name} = {numbers}")
        elif value is not None:
            parts.append(f"{name} = {value}")
    return ", ".join(parts)


def _take_algorithm(found: dict[str, Any]) -> None:
    """The parameters of a product's algorithm as one attribute, if it has one."""
    values = {name: found.pop(name) for name in _ALGORITHM.split() if name in found}
    if not values or isinstance(values["lhs_precision_type"], OtherType):
        return
    parts = []
    for name, value in values.items():
        if name.endswith("_type"):
            parts.append(f"{name} = {element_text(value)}")
        else:
            parts.append(f"{name} = {str(plain(value)).lower()}")
    found["algorithm"] = Spelled(f"#stablehlo.dot_algorithm<{', '.join(parts)}>")


def _is_assumed(name: str, value: Any) -> bool:
    if isinstance(value, OtherType) and value.name.startswith("#"):
        return True  # an attribute of another dialect
    if name in _OPTIONAL:
        return not (value.array.size if isinstance(value, Dense) else value)
    if name not in _ASSUMED:
        return False
    parts = value.array.ravel().tolist() if isinstance(value, Dense) else value
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    return all((p.word if isinstance(p, Enum) else p) == _ASSUMED[name] for p in parts)


def _plain(name: str, value: Any) -> Any:
    """Vectors as MLIR's arrays."""
    if name in _TENSORS or not isinstance(value, Dense) or value.array.ndim != 1:
        return value
    if value.type.dtype not in (dtypes.int64, dtypes.bool_):
        return value
    numbers = ", ".join(str(n).lower() for n in value.array.tolist())
    element = element_text(value.type.dtype)
    return Spelled(f"array<{element}: {numbers}>" if numbers else f"array<{element}>")


def _reference(_name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple([_reference(_name, one) for one in value])
    return SymbolRef(value) if isinstance(value, str) else value


def _version(_name: str, value: Any) -> Any:
    words = WORDS["custom_call_api_version"].split()
    return Scalar(words.index(value.word), dtypes.int32) if isinstance(value, Enum) else value


def _aliases(_name: str, value: Any) -> Any:
    texts = []
    for alias in value:
        members = ", ".join(
            f"{k} = {list(v) if isinstance(v, tuple) else v}" for k, v in alias.items()
        )
        texts.append(Spelled(f"#stablehlo.output_operand_alias<{members}>"))
    return texts


def _accuracy(_name: str, value: Any) -> Any:
    mode = f"#stablehlo.result_accuracy_mode<{value.word}>"
    return Spelled(f"#stablehlo.result_accuracy<mode = {mode}>")


_SPECIAL: dict[str, Callable[[str, Any], Any]] = {
    "api_version": _version,
    "callee": _reference,
    "called_computations": _reference,
    "decomposition": _reference,
    "output_operand_aliases": _aliases,
    "result_accuracy": _accuracy,
    "use_global_device_ids": lambda _name, _value: Spelled("unit"),
}
