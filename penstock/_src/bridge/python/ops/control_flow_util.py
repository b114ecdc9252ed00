"""`tensorflow.python.ops.control_flow_util`: questions about the nodes of TensorFlow 1's conditions and loops."""

from __future__ import annotations

from penstock._src.graph.operation import Operation


def IsSwitch(op: Operation) -> bool:
    """True if an operation passes its input to one of two outputs."""
    return op.type in ("Switch", "RefSwitch")


def IsMerge(op: Operation) -> bool:
    """True if an operation returns whichever of its inputs is computed."""
    return op.type in ("Merge", "RefMerge")


def IsLoopEnter(op: Operation) -> bool:
    """True if an operation brings a tensor into a loop."""
    return op.type in ("Enter", "RefEnter")


def IsLoopConstantEnter(op: Operation) -> bool:
    """True if an operation brings a tensor that no iteration changes into a loop."""
    return IsLoopEnter(op) and op.get_attr("is_constant")


def IsLoopExit(op: Operation) -> bool:
    """True if an operation brings a tensor out of a loop."""
    return op.type in ("Exit", "RefExit")


def IsLoopSwitch(op: Operation) -> bool:
    """True if a switch ends a loop: a loop's condition decides it."""
    return IsSwitch(op) and op.inputs[1].op.type == "LoopCond"


def IsCondSwitch(op: Operation) -> bool:
    """True if a switch chooses a branch."""
    return IsSwitch(op) and not IsLoopSwitch(op)


def IsLoopMerge(op: Operation) -> bool:
    """True if a merge begins an iteration: it joins what enters a loop and what its last iteration left."""
    return IsMerge(op) and any(
        IsLoopEnter(t.op) or t.op.type in ("NextIteration", "RefNextIteration") for t in op.inputs
    )


def IsCondMerge(op: Operation) -> bool:
    """True if a merge joins the results of branches."""
    return IsMerge(op) and not IsLoopMerge(op)
