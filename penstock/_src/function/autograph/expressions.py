"""Rewrites expressions: calls, `and`, `or`, `not`, conditional expressions, chained comparisons, asserts.

Before: a > 0 and f(b)      After: ag__.and_(lambda: a > 0, lambda: ag__.call(f, b))
"""

import ast

from penstock._src.function.autograph import templates
from penstock._src.function.autograph.templates import load

# Not wrapped: these inspect the caller's frame or source.
_LEFT_ALONE = frozenset(
    "super locals globals eval exec vars dir isinstance issubclass type hasattr print".split()
)


class ExpressionConverter(ast.NodeTransformer):
    """Converts expressions; see `if_while_for.py` for statements."""

    guarded: frozenset[str] = frozenset()  # variables that may be undefined when read
    first_argument: str | None = None  # of the innermost user function, for super()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.guarded:
            return templates.expression("ag__.ld(NAME)", node, NAME=node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in _LEFT_ALONE:
            name = node.func.id
            if name == "super" and not node.args and self.first_argument:
                node.args = [
                    ast.copy_location(load("__class__"), node),
                    ast.copy_location(load(self.first_argument), node),
                ]
            if name != "print":
                return self.generic_visit(node)
        if ast.unparse(node.func).startswith("ag__."):
            return node
        self.generic_visit(node)
        function = node.func
        node.func = templates.expression("ag__.call", node)
        node.args = [function, *node.args]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        if binds(node):
            return self.generic_visit(node)
        self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        *front, last = node.values
        for value in reversed(front):
            last = templates.expression(
                f"ag__.{name}(lambda: LEFT, lambda: RIGHT)", node, LEFT=value, RIGHT=last
            )
        return last

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return templates.expression("ag__.not_(VALUE)", node, VALUE=node.operand)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        text = ast.Constant(ast.unparse(node.test))
        if binds(node):
            return self.generic_visit(node)
        self.generic_visit(node)
        return templates.expression(
            "ag__.if_exp(TEST, lambda: BODY, lambda: ORELSE, TEXT)",
            node,
            TEST=node.test,
            BODY=node.body,
            ORELSE=node.orelse,
            TEXT=text,
        )

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if len(node.ops) == 1 or binds(node):
            return self.generic_visit(node)
        self.generic_visit(node)
        chain = templates.expression("ag__.compare_chain(FIRST)", node, FIRST=node.left)
        assert isinstance(chain, ast.Call)
        for op, value in zip(node.ops, node.comparators, strict=True):
            chain.args.append(ast.copy_location(ast.Constant(type(op).__name__), node))
            chain.args.append(templates.expression("lambda: VALUE", node, VALUE=value))
        return chain

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        if any(isinstance(item, ast.Yield | ast.YieldFrom) for item in ast.walk(node)):
            return node
        outer, self.first_argument = self.first_argument, None
        self.generic_visit(node)
        self.first_argument = outer
        return templates.expression("ag__.converted(FUNCTION)", node, FUNCTION=node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        message = node.msg or ast.copy_location(ast.Constant(None), node)
        (statement,) = templates.statements(
            "ag__.assert_(TEST, lambda: MESSAGE)", node, TEST=node.test, MESSAGE=message
        )
        return statement


def binds(node: ast.AST) -> bool:
    """True if evaluating in a lambda would hide an assignment (`:=`)."""
    return any(isinstance(item, ast.NamedExpr) for item in ast.walk(node))
