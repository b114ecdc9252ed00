"""What AutoGraph converts: if, while and for over values, with break and continue."""

from dataclasses import replace

from tests.fuzz.programs.drawing import FLOATS, INTEGERS
from tests.fuzz.programs.program import Step
from tests.fuzz.programs.steps import step
from tests.fuzz.programs.steps.control import (
    MOST_TRIPS,
    bound,
    few,
    few_rows,
    own,
    results,
    state,
    trips,
    truth,
    unbind,
)


@step(0.8)
def if_else(scope):
    wanted, condition = state(scope, scope.int(1, 3)), truth(scope)
    blocks = tuple(scope.block((), [], few(scope), results(wanted)) for _ in range(2))
    scope.add(condition, len(wanted), blocks=blocks, form="if")


def leave(scope, body, name, dtype):
    """The body with a jump before its first, or after its last step."""
    if dtype not in FLOATS or not scope.chance(0.4):
        return body
    jump = scope.choose(["break", "continue"])
    test = f"tf.reduce_max(tf.abs(tf.cast({name}, tf.float32))) > {scope.choose(['0.7', '2.3', '9.1'])}"
    steps = list(body.steps)
    steps.insert(scope.choose([0, len(steps)]), Step((), f"if {test}: {jump}"))
    return replace(body, steps=tuple(steps))


@step(0.8)
def while_true(scope):
    wanted, often = state(scope, scope.int(1, 3)), trips(scope)
    counter, *names = (scope.drawing.name() for _ in range(len(wanted) + 1))
    values = [bound(scope, counter, "tf.constant(1)")]
    values += [bound(scope, n, v.name) for n, v in zip(names, wanted, strict=True)]
    counted = results(wanted)
    body = scope.block(
        (), values, few(scope), lambda inner: [f"{counter} + 1", *counted(inner)], MOST_TRIPS
    )
    unbind(scope, [counter, *names])
    if "continue" not in str(body := leave(scope, body, names[0], wanted[0].dtype)):
        starts = ("tf.constant(0)", *own(wanted))
        scope.add(
            f"{counter} < {often}",
            targets=(counter, *names),
            blocks=(body,),
            form="while",
            starts=starts,
        )


@step(0.8)
def for_each(scope):
    """Over numbers, or over the rows of a value."""
    wanted = state(scope, scope.int(1, 2))
    names = [scope.drawing.name() for _ in wanted]
    values = [bound(scope, n, v.name) for n, v in zip(names, wanted, strict=True)]
    item = scope.drawing.name()
    over, often = f"tf.range({trips(scope)})", MOST_TRIPS
    if scope.chance(0.4):
        x = scope.pick((*FLOATS, *INTEGERS), low=1, where=few_rows)
        over, often = str(x), x.rows
    first = "tf.constant(0)" if over.startswith("tf.range") else f"{over}[0]"
    values.insert(0, bound(scope, item, first))
    body = scope.block((), values, few(scope), results(wanted), often)
    unbind(scope, [item, *names])
    body = leave(scope, body, names[0], wanted[0].dtype)
    starts = tuple(own(wanted))
    scope.add(f"{item} in {over}", targets=tuple(names), blocks=(body,), form="for", starts=starts)
