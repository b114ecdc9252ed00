"""Variables: read, assigned whole and in parts, several times, and read between."""

from tests.fuzz.programs.drawing import FLOATS, Rejected
from tests.fuzz.programs.steps import step
from tests.fuzz.programs.steps.control import like


def variable(scope, where=lambda v: True):
    """A variable of the program: one that there is, or a new one."""
    known = [v for v in scope.values if v.name.startswith("x") and where(v)]
    if known and scope.chance(0.8):
        return scope.choose(known)
    if scope.depth:
        raise Rejected
    x = scope.pick(
        (*FLOATS, "int32"),
        high=3,
        where=lambda v: v.name[0] == "v" and None not in v.static and v.size <= 2000,
    )
    made = scope.parameter(x.shapes, x.dtype, x.static, prefix="x")
    scope.values.insert(0, made)
    scope.outer += 1
    if not where(made):
        raise Rejected
    return made


@step(0.6)
def read(scope):
    x = variable(scope)
    scope.add(
        scope.choose(
            [
                "{x} + 1",
                "{x}.read_value()",
                "tf.identity({x})",
                "{x} * {x}",
                "tf.convert_to_tensor({x})",
            ]
        ).format(x=x)
    )


@step(0.8)
def assigned(scope):
    x = variable(scope)
    y = like(x.shapes, x.dtype)(scope)
    name = scope.choose(["assign", "assign", "assign_add", "assign_sub"])
    scope.add(f"{x}.{name}({y})", 0)
    if scope.chance(0.4):
        scope.add(f"{x} * 2")


@step(0.4)
def assigned_in_part(scope):
    x = variable(scope, lambda v: v.rank > 0 and v.static[0])
    n = x.static[0]
    at = [scope.int(0, n - 1) for _ in range(scope.int(1, 3))]
    text = scope.choose([
        "{x}.scatter_nd_add({at}, tf.gather({x}, {i}) * 0.5)", "{x}.scatter_nd_sub({at}, tf.gather({x}, {i}))",
        "{x}[:{k}].assign({x}[:{k}] + 1)", "{x}.scatter_nd_update([[{k}]], tf.gather({x}, [{k}]) + 1)",
    ])  # fmt: skip
    if "0.5" in text and x.dtype not in FLOATS:
        raise Rejected
    scope.add(text.format(x=x, at=[[i] for i in at], i=at, k=scope.int(0, n - 1)), 0)
    scope.add(f"{x} + 0")


@step(0.3)
def descended(scope):
    """A step down a gradient."""
    x = variable(scope, lambda v: v.dtype in FLOATS)
    scope.add(f"{x}.assign_sub(0.1 * tf.sign({x}) * tf.square({x}))", 0)
    scope.add(f"{x}.read_value()")
