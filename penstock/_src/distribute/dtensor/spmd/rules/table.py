"""Finds the rule of an op: by its class or nearest base class, or by the facts of its class."""

from penstock._src.core.op import Op, entry_of
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.spmd.plans import Call, Plan, Rule, local_sizes, run_op, whole
from penstock._src.distribute.dtensor.spmd.rules import (
    contractions,
    elementwise,
    indexing,
    movement,
    reductions,
    shapes,
    state,
)

RULES: dict[str, Rule] = {
    **contractions.RULES,
    **elementwise.RULES,
    **indexing.RULES,
    **movement.RULES,
    **reductions.RULES,
    **shapes.RULES,
    **state.RULES,
}


def plan_of(call: Call) -> Plan:
    """Returns the plan of an op on shards. Without a rule, or if the rule does not apply, inputs are gathered."""
    rule = rule_of(call.op)
    plan = None if rule is None else rule(call)
    return state.unknown(call) if plan is None else plan


def rule_of(op: Op) -> Rule | None:
    """Returns the rule of an op, or None."""
    kind = type(op)
    entry = entry_of(kind, RULES)
    if entry is not None:
        return entry
    if kind.elements.is_elementwise:
        return elementwise.elementwise
    words = set(kind.vectorize.split(", "))
    if "examples" in words and words <= {"examples", "shared", "batch"}:
        return _over_examples
    return None


def _over_examples(call: Call) -> Plan | None:
    """Ops on examples, which are along the first axis of inputs and results (`Op.vectorize`): only that axis is divided."""
    words = call.op.vectorize.split(", ")
    if len(words) != len(call.shapes) or any(shape is None for shape in call.out_shapes):
        return None
    dimensions = [cuts[0] for word, cuts in zip(words, call.specs) if word == "examples" and cuts]
    lead = next((cut for cut in dimensions if cut != UNSHARDED), UNSHARDED)
    inputs = tuple(
        (lead, *whole(len(shape or ()) - 1))
        if word == "examples" and shape
        else whole(len(shape or ()))
        for word, shape in zip(words, call.shapes)
    )
    outputs = tuple((lead, *whole(len(shape or ()) - 1)) for shape in call.out_shapes)

    def run(call: Call, tensors: list) -> list:
        arguments = [
            local_sizes(t, outputs[0], call, at) if word == "batch" else t
            for at, (word, t) in enumerate(zip(words, tensors))
        ]
        return run_op(call.op, arguments)

    return Plan(inputs, outputs, run=run)
