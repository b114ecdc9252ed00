"""Tapes and forward accumulators over parts of a program: gradients, derivatives along a direction, of gradients too, jacobians."""

from tests.fuzz.programs.drawing import FLOATS, Rejected
from tests.fuzz.programs.steps import step
from tests.fuzz.programs.steps.control import bound, few, unbind


def function(scope, sources, wanted, scalar):
    """A block of the sources whose end is one value that depends on them."""
    names = [scope.drawing.name() for _ in sources]
    values = [bound(scope, n, v.name) for n, v in zip(names, sources, strict=True)]

    def end(inner):
        late = [v for v in inner.values[inner.outer :] if v.finite and v.dtype == sources[0].dtype]
        if not late:
            raise Rejected
        total = late[-1]
        if scalar or inner.chance(0.5):
            squares = inner.choose(["tf.square({x})", "{x}", "tf.tanh({x})"]).format(x=total)
            return [f"tf.reduce_{inner.choose(['sum', 'mean'])}({squares})"]
        return [total.name]

    body = scope.block(names, values, wanted, end)
    unbind(scope, names)
    return body


def sources_of(scope, count, size):
    return [scope.pick(FLOATS, where=lambda v: v.name[0] == "v" and v.size <= size)] + [
        scope.pick(("float32", "float64"), where=lambda v: v.name[0] == "v" and v.size <= size)
        for _ in range(count - 1)
    ]


@step(2.0)
def differentiated(scope):
    sources = sources_of(scope, scope.int(1, 2), 4000)
    body = function(scope, sources, few(scope), False)
    scope.add(
        f"gradients({{0}}, [{', '.join(map(str, sources))}])", 1 + len(sources), blocks=(body,)
    )


@step(0.7)
def differentiated_twice(scope):
    sources = sources_of(scope, scope.int(1, 2), 1000)
    if len({v.dtype for v in sources}) > 1:
        raise Rejected
    body = function(scope, sources, scope.int(1, 4), True)
    scope.add(
        f"second_gradients({{0}}, [{', '.join(map(str, sources))}])",
        1 + len(sources),
        blocks=(body,),
    )


@step(0.5)
def differentiated_forward(scope):
    sources = sources_of(scope, scope.int(1, 2), 1000)
    body = function(scope, sources, few(scope), False)
    scope.add(f"derivative({{0}}, [{', '.join(map(str, sources))}])", 2, blocks=(body,))


@step(0.5)
def differentiated_forward_over_reverse(scope):
    sources = sources_of(scope, scope.int(1, 2), 1000)
    body = function(scope, sources, scope.int(1, 4), True)
    scope.add(
        f"derivatives_of_gradients({{0}}, [{', '.join(map(str, sources))}])",
        1 + len(sources),
        blocks=(body,),
    )


@step(0.4)
def jacobians(scope):
    source = sources_of(scope, 1, 60)[0]
    body = function(scope, [source], scope.int(1, 3), False)
    scope.add(f"jacobian({{0}}, {source})", blocks=(body,))
