"""AutoGraph's rewrites one by one, and all of them; the code that they make runs in graphs of sessions."""

import inspect

import pytest

import penstock as tf
from penstock._src.bridge.python.autograph.converters import (
    asserts,
    break_statements,
    call_trees,
    continue_statements,
    control_flow,
    directives,
    functions,
    lists,
    logical_expressions,
    return_statements,
    slices,
    variables,
)
from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.impl import api
from penstock._src.bridge.python.autograph.lang import directives as said
from penstock._src.bridge.python.autograph.pyct import anno
from penstock._src.function.autograph.public import set_loop_options


class Chosen(api.PyToTF):
    """Only some rewrites; `names` replace those of `ag__`."""

    def __init__(self, rewrites, names=None):
        super().__init__()
        self.rewrites, self.names, self.tree = rewrites, names or {}, None

    def get_extra_locals(self):
        held = dict(vars(super().get_extra_locals()["ag__"])) | self.names
        return {"ag__": type("ag", (), {k: _Held(v) for k, v in held.items()})()}

    def transform_ast(self, node, ctx):
        node = self.initial_analysis(node, ctx)
        for rewrite in self.rewrites:
            node = rewrite.transform(node, ctx)
        self.tree = node
        return node


class _Held:
    """An attribute that is returned as it is, no method."""

    def __init__(self, value):
        self.value = value

    def __get__(self, instance, owner):
        return self.value


def context(**options):
    return converter.ProgramContext(converter.ConversionOptions(recursive=True, **options))


def chosen(function, *rewrites, **names):
    transpiler = Chosen(rewrites, names)
    made, _, _ = transpiler.transform_function(function, context())
    return made, transpiler.tree


def in_session(function, *values):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(function(*map(tf.constant, values)))


def search(limit, wanted):
    """The first square above `wanted`, but none of a multiple of 3."""
    found = -1
    for i in tf.range(limit):
        if i % 3 == 0:
            continue
        if i * i > wanted:
            found = i * i
            break
    while found < 100 and not found == 64:
        found += 7 if found % 2 == 0 else 5
    found += (lambda x: x - limit)(limit)
    assert found > -100, "nothing found"
    if found == 64:
        return -found
    return found * 2


@pytest.mark.parametrize("values", [(10, 30), (10, 55), (3, 90), (20, 120)])
def test_all_rewrites_together_compute_what_python_does(values):
    made, _, source_map = api.PyToTF().transform_function(search, context())
    assert made.__name__ == "tf__search" and made.__doc__ == search.__doc__
    assert source_map and inspect.signature(made) == inspect.signature(search)
    plain = search(*(tf.constant(value) for value in values))
    assert in_session(made, *values) == plain == made(*(tf.constant(v) for v in values))


def test_a_failed_assertion_stops_what_is_returned():
    def f(a):
        assert a, "message"
        return a

    made, _ = chosen(f, functions, asserts, return_statements)
    with pytest.raises(tf.errors.InvalidArgumentError, match="message"):
        in_session(made, False)
    assert in_session(made, True)


def test_jumps_become_flags():
    def f(items):
        seen = []
        for x in items:
            if x < 0:
                continue
            while x:
                if x > 5:
                    break
                x -= 1
            seen.append(x)
        return seen

    made, _ = chosen(f, break_statements, continue_statements)
    assert made([3, -1, 7]) == f([3, -1, 7]) == [0, 7]

    def g(x):
        if x > 3:
            return "large"
        for y in range(x):
            if y == 2:
                return "two"
        return "small"

    made, _ = chosen(g, functions, return_statements)
    assert [made(x) for x in (5, 3, 1)] == ["large", "two", "small"]


def test_reads_calls_and_comparisons_go_through_operators():
    def f(x):
        x *= 10
        return x

    made, _ = chosen(f, variables, ld=lambda value: value + 1)
    assert made(1) == (1 + 1) * 10 + 1
    calls = []

    def g(function):
        return function(1, *(2,), key=3)

    made, _ = chosen(
        g,
        functions,
        call_trees,
        converted_call=lambda f, args, kwargs, scope: calls.append((args, kwargs)),
    )
    made(None)
    assert calls == [((1, 2), {"key": 3})]
    made, _ = chosen(lambda a, b: a == b, logical_expressions)
    assert in_session(made, 1, 1) and not in_session(made, 1, 2)


def test_lists_of_tensors_are_assigned_again():
    def f():
        items = [1, 2, 3]
        said.set_element_type(items, tf.int32, shape=())
        items.append(4)
        last = items.pop()
        return last, items[0], tf.stack(items)

    made, _ = chosen(f, directives, lists, slices)
    last, first, stacked = made()
    assert (last, first) == (4, 1) and stacked.numpy().tolist() == [1, 2, 3]
    empty, _ = chosen(lambda: [], lists)
    with tf.Graph().as_default():
        assert empty().dtype == tf.variant


def test_directives_are_kept_at_what_they_are_about():
    def f(n):
        while n > 0:
            set_loop_options(maximum_iterations=3)
            n -= 1
        return n

    made, tree = chosen(f, directives)
    held = anno.getanno(tree.body[0], anno.Basic.DIRECTIVES)[set_loop_options]
    assert held["maximum_iterations"].value == 3 and "swap_memory" not in held
    made, _ = chosen(f, directives, control_flow)
    assert in_session(made, 10) == 7

    def late(n):
        while n > 0:
            n -= 1
            set_loop_options()

    with pytest.raises(ValueError, match="must be the first statement"):
        chosen(late, directives)
