"""The toolbox for rewriting source at the paths of TensorFlow's pyct."""

import textwrap

import pytest

gast = pytest.importorskip("gast")

from penstock._src.bridge.python.autograph.pyct import (  # noqa: E402
    anno,
    ast_util,
    cfg,
    error_utils,
    errors,
    loader,
    naming,
    origin_info,
    parser,
    qual_names,
    templates,
    transformer,
)


def edges(function):
    (graph,) = cfg.build(parser.parse_entity(function, ())[0]).values()
    return {str(n): sorted(map(str, n.next)) for n in graph.index.values()}, graph


def test_flow_goes_through_loops_and_finally():
    def function(a):
        while a > 0:
            try:
                if a > 5:
                    break
                a = 1
            finally:
                b = 2
        return b

    found, graph = edges(function)
    assert found == {
        "a": ["a > 0"],
        "a > 0": ["a > 5", "return b"],
        "a > 5": ["a = 1", "break"],
        "break": ["b = 2"],
        "a = 1": ["b = 2"],
        "b = 2": ["a > 0", "return b"],
        "return b": [],
    }
    assert {str(n) for n in graph.exit} == {"return b"}


def test_what_raises_goes_to_handlers_and_out():
    def function(a):
        try:
            raise a
        except ValueError:
            b = 1
        return b

    found, graph = edges(function)
    assert found["raise a"] == ["b = 1"]
    assert {str(n) for n in graph.exit} == {"raise a", "return b"}
    assert {str(n) for n in graph.error} == {"raise a"}


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


def test_errors_are_shown_in_terms_of_the_written_code():
    place = origin_info.LineLocation("generated.py", 3)
    origin = origin_info.OriginInfo(origin_info.Location("own.py", 7, 0), "f", "x = 1", None)
    frames = [("outer.py", 1, "main", ""), ("generated.py", 3, "g", ""), ("lib.py", 2, "h", "y")]
    told = error_utils.ErrorMetadataBase(frames, None, "went wrong", {place: origin}, None)
    message = str(told.create_exception(ValueError()))
    assert '"own.py", line 7, in f  *' in message and "outer.py" not in message
    assert message.index("own.py") < message.index("lib.py") < message.index("went wrong")
