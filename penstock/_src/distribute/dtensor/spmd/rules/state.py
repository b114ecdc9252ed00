"""Ops with state: variables are read and written shard by shard; random numbers and elements are those of the first process."""

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op, entry_of
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import (
    Call,
    Plan,
    all_whole,
    rank_of,
    run_op,
    whole,
)
from penstock._src.distribute.dtensor.spmd.relayout import of_first


def read(call: Call) -> Plan:
    """A variable's value is divided as the variable."""
    return Plan((call.specs[0],), (call.specs[0],))


def update(call: Call) -> Plan:
    """Assignments and optimizers' updates: tensors are divided as the variables that they change.

    Raises:
      UnimplementedError: the variables are divided differently.
    """
    handles = [at for at, t in enumerate(call.tensors) if t.dtype is dtypes.resource]
    layouts = {call.specs[at] for at in handles}
    if len(layouts) > 1:
        raise UnimplementedError(
            f"{call.op.op_type}: the variables of one update must have one layout. Received: {sorted(layouts)}."
        )
    (cuts,) = layouts
    inputs = tuple(
        cuts if at in handles or rank_of(shape) == len(cuts) else whole(rank_of(shape))
        for at, shape in enumerate(call.shapes)
    )
    return Plan(inputs, ())


def drawn(call: Call) -> Plan:
    """Random numbers of an op's own stream: those of the first process, unless its seed makes them the same in all."""
    has_seed = bool(call.op.attrs.get("seed") or call.op.attrs.get("seed2"))

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        results = run_op(call.op, tensors)
        return results if has_seed else [of_first(t, call.mesh) for t in results]

    return Plan(all_whole(call.shapes), all_whole(call.out_shapes), run=run)


def element(call: Call) -> Plan:
    """Elements of iterators: those of the first process."""

    def run(call: Call, tensors: list[Any]) -> list[Any]:
        return [of_first(t, call.mesh) for t in run_op(call.op, tensors)]

    return Plan(all_whole(call.shapes), all_whole(call.out_shapes), run=run)


def takes_elements(op: Op) -> bool:
    """True if an op returns components of dataset elements."""
    return entry_of(type(op), RULES) is element


def unknown(call: Call) -> Plan:
    """An op without a rule: it takes whole inputs.

    Raises:
      UnimplementedError: it takes a divided variable.
    """
    for tensor, cuts in zip(call.tensors, call.specs, strict=True):
        if tensor.dtype in (dtypes.resource, dtypes.variant) and set(cuts) - {UNSHARDED}:
            raise UnimplementedError(
                f"{call.op.op_type}: there is no rule for this op on a variable that is sharded over processes. Its layout: "
                f"{list(cuts)}."
            )
    return Plan(all_whole(call.shapes), all_whole(call.out_shapes), is_by_rule=False)


# By class name; a rule of a base class also holds for derived classes.
RULES: dict[str, Callable[[Call], Plan | None]] = {
    "ReadVariableOp": read,
    "AssignVariableOp": update,
    "_AssignBy": update,
    "_Apply": update,
    "_Stateful": drawn,
    "_GetNext": element,
    "OptionalGetValue": element,
}
