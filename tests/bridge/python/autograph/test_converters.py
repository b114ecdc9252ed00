"""AutoGraph's rewrites of jumps, chosen by a program as TensorFlow Probability chooses them."""

import pytest

gast = pytest.importorskip("gast")

from penstock._src.bridge.python.autograph.converters import (  # noqa: E402
    break_statements,
    continue_statements,
    functions,
    return_statements,
)
from penstock._src.bridge.python.autograph.core import converter  # noqa: E402
from penstock._src.bridge.python.autograph.pyct import (  # noqa: E402
    loader,
    naming,
    parser,
    transformer,
)


class Scope:
    """Stands for the scope of a function in converted code."""

    def __init__(self, *names):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def ret(self, value, did_return):
        return value


class Operators:
    """What rewritten code calls."""

    FunctionScope = Scope
    ConversionOptions = dict
    UndefinedReturnValue = type("UndefinedReturnValue", (), {})


def rewritten(function, *rewrites):
    """Returns a function with its jumps rewritten, and its tree."""
    node, source = parser.parse_entity(function, ())
    info = transformer.EntityInfo(function.__name__, source, None, (), {})
    options = converter.ProgramContext(
        converter.ConversionOptions(recursive=True, optional_features=())
    )
    context = transformer.Context(info, naming.Namer({}), options)
    for rewrite in rewrites:
        node = rewrite.transform(node, context)
    module, _, _ = loader.load_ast(node)
    module.ag__ = Operators
    return getattr(module, function.__name__), node


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

    made, tree = rewritten(f, break_statements, continue_statements)
    assert made([3, -1, 7]) == f([3, -1, 7]) == [0, 7]
    assert not [n for n in gast.walk(tree) if isinstance(n, gast.Continue)]


def test_functions_return_once():
    def g(x):
        if x > 3:
            return "large"
        for y in range(x):
            if y == 2:
                return "two"
        return "small"

    made, tree = rewritten(g, functions, return_statements)
    assert [made(x) for x in (5, 3, 1)] == ["large", "two", "small"]
    assert len([n for n in gast.walk(tree) if isinstance(n, gast.Return)]) == 1
