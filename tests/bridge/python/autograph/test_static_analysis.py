"""What the statements of a function read, define and leave for later."""

import pytest

gast = pytest.importorskip("gast")

from penstock._src.bridge.python.autograph.pyct import (  # noqa: E402
    anno,
    cfg,
    parser,
    qual_names,
    transformer,
)
from penstock._src.bridge.python.autograph.pyct.static_analysis import (  # noqa: E402
    activity,
    liveness,
    reaching_definitions,
    reaching_fndefs,
)


def analyzed(function):
    node, source = parser.parse_entity(function, ())
    info = transformer.EntityInfo(function.__name__, source, None, (), {})
    context = transformer.Context(info, None, None)
    node = activity.resolve(qual_names.resolve(node), context)
    graphs = cfg.build(node)
    reaching_definitions.resolve(node, context, graphs)
    reaching_fndefs.resolve(node, context, graphs)
    return liveness.resolve(node, context, graphs)


def names(node, key):
    return {str(name) for name in anno.getanno(node, key)}


def test_names_are_live_until_they_are_assigned():
    def function(x, a, b):
        if a > 0:
            x = b
        a = 1
        return x.y + a

    node = analyzed(function)
    assert names(node.body[0], anno.Static.LIVE_VARS_OUT) == {"x", "x.y"}
    assert names(node.body[0], anno.Static.LIVE_VARS_IN) == {"x", "x.y", "a", "b"}


def test_names_of_functions_that_are_defined_stay_live():
    def function(a, b):
        def inner():
            return a

        if b:
            a = 2
        return inner

    assert names(analyzed(function).body[1], anno.Static.LIVE_VARS_OUT) == {"a", "inner"}


def test_definitions_of_both_branches_reach_a_use():
    def function(a, b):
        if b:
            a = 1
        return a

    node = analyzed(function)
    assert len(anno.getanno(node.body[1].value, anno.Static.DEFINITIONS)) == 2
    assert names(node.body[0], anno.Static.DEFINED_VARS_IN) == {"a", "b"}


def test_statements_know_what_they_read_and_change():
    def function(a):
        a.b[0] += [c for c in a]

    scope = anno.getanno(analyzed(function).body[0], anno.Static.SCOPE)
    assert {str(n) for n in scope.modified} == {"a.b[0]"}
    assert {str(n) for n in scope.read} == {"a", "a.b", "a.b[0]"}
