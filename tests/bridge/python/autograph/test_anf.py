"""Operands are assigned to names before the statements in which they stand."""

import textwrap

import gast
import pytest

from penstock._src.bridge.python.autograph.pyct import naming, parser, transformer
from penstock._src.bridge.python.autograph.pyct.common_transformers import anf

INFO = transformer.EntityInfo("f", "", None, (), None)
CALLS = [
    (anf.ASTEdgePattern(gast.If, "test", anf.ANY), anf.REPLACE),
    (anf.ASTEdgePattern(anf.ANY, anf.ANY, gast.Call), anf.REPLACE),
    (anf.ASTEdgePattern(gast.Call, "args", anf.ANY), lambda parent, field, child: child.value > 1),
]


def transformed(text, config=None):
    (node,) = gast.parse("def f():\n" + textwrap.indent(text, "    ")).body
    result = anf.transform(node, transformer.Context(INFO, naming.Namer({}), None), config)
    return textwrap.dedent(parser.unparse(result, include_encoding_marker=False)[9:])


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("return x + y + z", "t1 = x + y\nt2 = t1 + z\nreturn t2"),
        ("a = b = c + d * e", "t1 = d * e\na = b = c + t1"),
        ("a[i + 1] += b * c + 1", "t1 = i + 1\nt2 = b * c\na[t1] += t2 + 1"),
        ("f(a + b, *(c + d), k=-e)", "t1 = a + b\nt2 = c + d\nt3 = -e\nf(t1, *t2, k=t3)"),
        ("x = a.b[c:d + 1, i]", "t1 = d + 1\nt2 = a.b\nx = t2[c:t1, i]"),
        ("if f(x):\n    y = g(h(x))", "t1 = f(x)\nif t1:\n    t2 = h(x)\n    y = g(t2)"),
        ("for i in f(a):\n    pass", "t1 = f(a)\nfor i in t1:\n    pass"),
        ("with f(a) as b:\n    return 1", "t1 = f(a)\nwith t1 as b:\n    return 1"),
        ("@d(g(1))\ndef h(a=f(b)):\n    return 1", "\n@d(g(1))\ndef h(a=f(b)):\n    return 1"),
    ],
)
def test_operands_get_names(text, wanted):
    for i in range(1, 4):
        wanted = wanted.replace(f"t{i}", f"tmp_{1000 + i}")
    assert transformed(text) == wanted


def test_the_first_pattern_that_matches_decides():
    got = transformed("if a + 1:\n    return [a + 1, f(1, 2)]", CALLS)
    assert got == (
        "tmp_1001 = a + 1\nif tmp_1001:\n    tmp_1002 = 2\n    tmp_1003 = f(1, tmp_1002)\n"
        "    return [a + 1, tmp_1003]"
    )


@pytest.mark.parametrize(
    "text, what",
    [
        ("while f(x):\n    pass", "While with nontrivial test"),
        ("a and f(b)", "BoolOp.*short-circuiting"),
        ("a if f(b) else c", "IfExp"),
        ("lambda a: f(a + 1)", "Lambda"),
        ("assert f(a)", "Assert"),
        ("a < b < c", "Multi-ary compare"),
        ("[f(a) for a in b]", "ListComp"),
        ("for a[i + 1] in b:\n    pass", "For with nontrivial target"),
    ],
)
def test_what_cannot_be_computed_before_its_statement_is_refused(text, what):
    with pytest.raises(ValueError, match=what):
        transformed(text)
