"""Branches, loops, maps and scans, with steps of any kind in them; TensorArrays; what AutoGraph converts."""

from tests.fuzz.programs.drawing import FLOATS, INTEGERS, Rejected
from tests.fuzz.programs.steps import step

MOST_TRIPS = 4  # of loops that do not run over rows


def truth(scope):
    """The text of a condition that the values decide."""
    x = scope.pick((*FLOATS, *INTEGERS, "bool"))
    if x.dtype == "bool":
        return f"tf.reduce_{scope.choose(['any', 'all'])}({x})"
    if x.dtype in INTEGERS and scope.chance(0.4):
        return f"tf.cast(tf.reduce_sum(tf.cast({x}, tf.int32)) % 2, tf.bool)"
    return f"tf.reduce_{scope.choose(['sum', 'max', 'min'])}(tf.cast({x}, tf.float32)) {scope.choose(['>', '<'])} {scope.choose(['0.31', '1.7', '-0.2'])}"


def like(shapes, dtype):
    """A function of a scope: a value of a type and of shapes, or some made to be."""

    def result(inner):
        fitting = [v for v in inner.values if v.shapes == shapes and v.dtype == dtype and v.finite]
        late = [v for v in fitting if v.number >= 0][-3:]
        if late and inner.chance(0.8):
            return str(inner.choose(late))
        if not fitting:
            raise Rejected
        v = inner.choose(fitting)
        made = [w for w in inner.values[inner.outer :] if w.number >= 0 and w.finite]
        made = [w for w in made if (w.dtype in FLOATS) == (dtype in FLOATS)]
        made = [w for w in made if w.dtype in (*FLOATS, *INTEGERS)]
        if made and inner.chance(0.8):  # what the block computes has a part in it
            w = made[-1]
            if dtype in FLOATS:
                part = f"tf.tanh(tf.reduce_mean(tf.cast({w}, {dtype!r})))"
                return inner.choose([f"{v} * 0.5 + {part}", f"tf.tanh({v}) * {part}"])
            return f"{v} + tf.cast(tf.reduce_max({w}), {dtype!r})"
        if dtype in FLOATS:
            return inner.choose([f"tf.tanh({v})", f"{v} * 0.5 + 1", str(v)])
        return str(v)

    return result


def state(scope, count):
    """Some values that a branch or a loop computes anew."""
    return [
        scope.pick((*FLOATS, "int32", "int64"), where=lambda v: v.size <= 3000 and v.name[0] == "v")
        for _ in range(count)
    ]


def results(wanted):
    makers = [like(v.shapes, v.dtype) for v in wanted]
    return lambda inner: [make(inner) for make in makers]


def few(scope):
    return scope.int(1, 4 if scope.depth else 6)


@step(1.5)
def branched(scope):
    wanted, condition = state(scope, scope.int(1, 3)), truth(scope)
    blocks = tuple(scope.block((), [], few(scope), results(wanted)) for _ in range(2))
    scope.add(
        one(f"tf.cond({condition}, {{0}}, {{1}})", wanted), len(wanted), blocks=wrapped(blocks)
    )


def one(text, wanted):
    """A call that gives a list even of one value."""
    return text if len(wanted) > 1 else f"({text})[0]"


def wrapped(blocks):
    """Blocks that return lists, of one value too."""
    from dataclasses import replace

    return tuple(replace(b, results=("[" + ", ".join(b.results) + "]",)) for b in blocks)


@step(0.7)
def switched(scope):
    wanted = state(scope, scope.int(1, 2))
    x = scope.pick(INTEGERS)
    count = scope.int(2, 4)
    blocks = tuple(scope.block((), [], scope.int(1, 3), results(wanted)) for _ in range(count))
    functions = ", ".join(f"{{{i}}}" for i in range(count))
    which = f"tf.math.floormod(tf.reduce_sum(tf.cast({x}, tf.int32)), {count})"
    scope.add(
        one(f"tf.switch_case({which}, [{functions}])", wanted), len(wanted), blocks=wrapped(blocks)
    )


def trips(scope):
    """How often, MOST_TRIPS at most: known, or as shapes or values say."""
    kind = scope.choose(["known", "shape", "value"])
    if kind == "shape":
        x = scope.pick(low=1)
        return f"tf.minimum(tf.shape({x})[{scope.int(0, x.rank - 1)}], {MOST_TRIPS})"
    if kind == "value":
        x = scope.pick(INTEGERS)
        return f"tf.math.floormod(tf.reduce_sum(tf.cast({x}, tf.int32)), {MOST_TRIPS + 1})"
    return str(scope.int(0, MOST_TRIPS))


@step(1.5)
def looped(scope):
    wanted, often = state(scope, scope.int(1, 3)), trips(scope)
    counter = scope.drawing.name()
    names = [scope.drawing.name() for _ in wanted]
    inner_values = [
        bound(scope, counter, "tf.constant(1)"),
        *(bound(scope, n, v.name) for n, v in zip(names, wanted)),
    ]
    from tests.fuzz.programs.program import Block

    def ends(inner):
        return [f"{counter} + 1", *results(wanted)(inner)]

    body = scope.block((counter, *names), inner_values, few(scope), ends, MOST_TRIPS)
    test = f"{counter} < {often}"
    if scope.chance(0.3) and wanted[0].dtype in FLOATS:
        test = f"({test}) & (tf.reduce_max(tf.abs(tf.cast({names[0]}, tf.float32))) < 20)"
    condition = Block((counter, *names), (), (test,))
    unbind(scope, [counter, *names])
    start = ", ".join(["0", *own(wanted)])
    limit = ", maximum_iterations=3" if scope.chance(0.2) else ""
    scope.add(
        f"tf.while_loop({{0}}, {{1}}, [{start}]{limit})", len(wanted) + 1, blocks=(condition, body)
    )


def bound(scope, name, text):
    """A value of a name that exists only inside of a block."""
    return scope.bind(name, None, text)


def own(values):
    """Tensors that nothing else reads: run eagerly, a gradient by one counts what reads the same tensor elsewhere."""
    return [f"tf.identity({value})" for value in values]


def unbind(scope, names):
    for envs in scope.envs:
        for env in envs:
            for name in names:
                env.pop(name, None)


def few_rows(value):
    """Whether a loop over a value's rows is short: each of them runs op by op in every way."""
    return value.size <= 1500 and value.rows <= 48


@step(0.8)
def mapped(scope):
    x = scope.pick((*FLOATS, "int32"), low=1, where=few_rows)
    name = scope.drawing.name()
    row = bound(scope, name, f"{x}[0]")
    made = []

    def end(inner):
        late = [v for v in inner.values[inner.outer :] if v.finite and v.dtype != "bool"]
        made.append(inner.choose(late) if late else row)
        return [made[0].name]

    body = scope.block((name,), [row], few(scope), end, x.rows)
    unbind(scope, [name])
    way = scope.choose(["map", "array", "vectorized"])
    if way == "map":
        same = "" if made[0].dtype == x.dtype else f", fn_output_signature={made[0].dtype!r}"
        scope.add(f"tf.map_fn({{0}}, {x}{same})", blocks=(body,))
    elif way == "array":
        scope.add(f"by_rows({{0}}, {x})", blocks=(body,))
    else:
        scope.add(f"tf.vectorized_map({{0}}, {x})", blocks=(body,))


@step(0.8)
def scanned(scope):
    x = scope.pick((*FLOATS, "int32"), low=1, where=few_rows)
    names = [scope.drawing.name() for _ in range(2)]
    values = [bound(scope, n, f"{x}[0]") for n in names]
    body = scope.block(names, values, few(scope), results([values[0]]), x.rows)
    unbind(scope, names)
    way = scope.choose(["scan", "scan", "foldl"])
    text = (
        f"tf.scan({{0}}, {x}, reverse={scope.chance(0.3)})"
        if way == "scan"
        else f"tf.foldl({{0}}, {x})"
    )
    scope.add(text, blocks=(body,))


@step(0.5)
def grown(scope):
    """A TensorArray that grows as often as a loop runs."""
    x = state(scope, 1)[0]
    name = scope.drawing.name()
    body = scope.block((name,), [bound(scope, name, x.name)], few(scope), results([x]), MOST_TRIPS)
    unbind(scope, [name])
    (start,) = own([x])
    scope.add(f"growing({{0}}, {start}, {trips(scope)})", blocks=(body,))


@step(0.7)
def called(scope):
    """A function inside of the function."""
    wanted = state(scope, scope.int(1, 2))
    names = [scope.drawing.name() for _ in wanted]
    values = [bound(scope, n, v.name) for n, v in zip(names, wanted)]
    body = scope.block(names, values, few(scope), results(wanted))
    unbind(scope, names)
    given = ", ".join(own(wanted))
    if scope.chance(0.2):
        text = f"tf.recompute_grad({{0}})({given})"
    else:
        text = f"tf.function({{0}}, autograph=False)({given})"
    scope.add(text, len(wanted), blocks=(body,))
