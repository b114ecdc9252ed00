"""`tensorflow.python.training.slot_creator`: variables that hold an optimizer's state for another variable."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.creation import zeros
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.core.convert import convert_to_tensor
from penstock._src.distribute.current import get_strategy
from penstock._src.eager.variable import Variable
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.scopes import get_variable, get_variable_scope, variable_scope


def create_slot(
    primary: Any,
    val: Any,
    name: str,
    colocate_with_primary: bool = True,
    *,
    copy_xla_sharding: bool = False,
) -> Any:
    """Returns a slot of a variable or tensor, which begins with a value.

    Args:
      primary: the variable or tensor; its name is that of the slot's scope.
      val: the first value.
      name: the slot's name.
      colocate_with_primary, copy_xla_sharding: accepted; there is one device.
    """
    del copy_xla_sharding
    value = convert_to_tensor(val)
    is_static = value.shape.is_fully_defined()
    return _slot(primary, name, colocate_with_primary, initializer=value, validate_shape=is_static)


def create_slot_with_initializer(
    primary: Any,
    initializer: Any,
    shape: Any,
    dtype: Any,
    name: str,
    colocate_with_primary: bool = True,
    *,
    copy_xla_sharding: bool = False,
) -> Any:
    """Returns a slot of a variable or tensor, which an initializer fills."""
    del copy_xla_sharding
    return _slot(
        primary,
        name,
        colocate_with_primary,
        initializer=initializer,
        shape=shape,
        dtype=dtype,
        validate_shape=shape.is_fully_defined(),
    )


def create_zeros_slot(
    primary: Any,
    name: str,
    dtype: Any = None,
    colocate_with_primary: bool = True,
    *,
    copy_xla_sharding: bool = False,
) -> Any:
    """Returns a slot of the shape of a variable or tensor, which begins with zeros."""
    kind = primary.dtype.base_dtype if dtype is None else dtype
    options = {"copy_xla_sharding": copy_xla_sharding}
    if primary.shape.is_fully_defined():
        return create_slot_with_initializer(
            primary, Zeros(), primary.shape, kind, name, colocate_with_primary, **options
        )
    # before a variable has a value, its first value has the shape
    whole = primary.initial_value if isinstance(primary, Variable) else primary
    value = zeros(shape_of(whole), kind)
    return create_slot(primary, value, name, colocate_with_primary, **options)


def _slot(primary: Any, name: str, colocate: bool, **options: Any) -> Any:
    prefix = primary._shared_name if isinstance(primary, Variable) else primary.op.name
    with variable_scope(None, f"{prefix}/{name}"):
        if not colocate:
            return _variable(primary, **options)
        with get_strategy().extended.colocate_vars_with(primary):
            return _variable(primary, **options)


def _variable(primary: Any, **options: Any) -> Any:
    """Returns a variable named after the current scope alone, in one part."""
    scope = get_variable_scope()
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    try:
        slot = get_variable("", trainable=False, **options)
    finally:
        scope.set_partitioner(partitioner)
    part = getattr(primary, "_save_slice_info", None)
    rank = slot.shape.rank
    if part is not None and rank != 0:
        own_name = slot.name[len(primary.op.name + "/") : -2]
        slot._set_save_slice_info(
            type(part)(
                f"{part.full_name}/{own_name}",
                part.full_shape[:rank],
                part.var_offset[:rank],
                part.var_shape[:rank],
            )
        )
    return slot
