"""What the statements of a function read and change."""

import pytest

gast = pytest.importorskip("gast")

from penstock._src.bridge.python.autograph.pyct import (  # noqa: E402
    anno,
    parser,
    qual_names,
    transformer,
)
from penstock._src.bridge.python.autograph.pyct.static_analysis import activity  # noqa: E402


def analyzed(function):
    node, source = parser.parse_entity(function, ())
    info = transformer.EntityInfo(function.__name__, source, None, (), {})
    context = transformer.Context(info, None, None)
    return activity.resolve(qual_names.resolve(node), context)


def test_statements_know_what_they_read_and_change():
    def function(a):
        a.b[0] += [c for c in a]

    scope = anno.getanno(analyzed(function).body[0], anno.Static.SCOPE)
    assert {str(n) for n in scope.modified} == {"a.b[0]"}
    assert {str(n) for n in scope.read} == {"a", "a.b", "a.b[0]"}
