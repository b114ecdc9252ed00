"""The toolbox for rewriting source at the paths of TensorFlow's pyct."""

import textwrap

import pytest

gast = pytest.importorskip("gast")

from penstock._src.bridge.python.autograph.pyct import (  # noqa: E402
    anno,
    ast_util,
    errors,
    loader,
    naming,
    origin_info,
    parser,
    qual_names,
    templates,
    transformer,
)


def test_templates_fill_names_blocks_and_contexts():
    block = parser.parse("x = x + 1\nx = 2 * x", single_node=False)
    (node,) = templates.replace("def f(x):\n  block\n  return y", f="g", block=block, y="x")
    module, source, _ = loader.load_ast(node)
    assert module.g(3) == 8 and "def g(x):" in source
    (assigned,) = templates.replace("target = 1", target=qual_names.from_str("a.b[c]"))
    assert isinstance(assigned.targets[0].ctx, gast.Store)
    assert isinstance(assigned.targets[0].slice.ctx, gast.Load)
    with pytest.raises(ValueError):
        templates.replace("a.b", b=1)


def test_lambdas_are_found_by_parameters():
    two = (lambda x: x + 1, lambda x, y: x + y)
    node, source = parser.parse_entity(two[1], ())
    assert source == "lambda x, y: x + y" and ast_util.matches(node, "lambda x, y: _")
    same = (lambda x: x + 1, lambda x: x + 2)
    with pytest.raises(errors.UnsupportedLanguageElementError, match="multiple definitions"):
        parser.parse_entity(same[0], ())


def test_names_know_their_parts():
    name = qual_names.from_str("a.b[c]")
    assert str(name) == "a.b[c]" and name.ssf() == "a_b_sub_c"
    assert {str(n) for n in name.owner_set} == {"a", "a.b"}
    assert {str(n) for n in name.support_set} == {"a", "c"}
    assert naming.Namer({"x": 1}).new_symbol("x", ["x_1"]) == "x_2"


def test_new_nodes_have_the_origin_of_what_they_replace():
    class Passing(transformer.Base):
        def visit_If(self, node):
            return gast.Pass()

    source = textwrap.dedent("""
        def f(x):
          if x:  # asked
            x = 1
          return x
    """)
    node = parser.parse(source)
    origin_info.resolve(node, source, "a_file", 10, 4)
    assert anno.getanno(node.body[0], anno.Basic.ORIGIN).comment == "asked"
    info = transformer.EntityInfo("f", source, "a_file", (), None)
    made = Passing(transformer.Context(info, None, None)).visit(node)
    assert anno.getanno(made.body[0], anno.Basic.ORIGIN).loc == ("a_file", 11, 6)
