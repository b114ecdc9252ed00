"""Rewrites `if`, `while` and `for` into calls with their branches and bodies as functions.

Before: if test: x = f(x)
After:  def get_state(): return (x,)
        def set_state(values): nonlocal x; (x,) = values
        def if_body(): nonlocal x; x = ag__.call(f, ag__.ld(x))
        def else_body(): nonlocal x; pass
        ag__.if_(test, if_body, else_body, get_state, set_state, ('x',), 1)
"""

import ast
from dataclasses import field

from penstock._src.function.autograph import scopes, templates
from penstock._src.function.autograph.expressions import ExpressionConverter, binds
from penstock._src.function.autograph.jumps import (
    Loop,
    cleared_flags,
    lower_break_continue,
    lower_returns,
)
from penstock._src.function.autograph.parser import contains_yield
from penstock._src.function.autograph.templates import Namer
from penstock._src.util.dataclass import dataclass

Block = list[ast.stmt]


@dataclass
class _Scope:
    """A generated function: its outer names, and the names to bind at its start."""

    outside: frozenset[str]  # arguments, and names declared nonlocal or global
    undefined: set[str] = field(default_factory=set)

    def need(self, names: list[str]) -> None:
        self.undefined.update(name for name in names if name not in self.outside)


class StatementConverter(ExpressionConverter):
    """Converts one function, and the functions nested in it."""

    def __init__(self, namer: Namer):
        self.namer = namer
        self.scope = _Scope(frozenset())
        self.global_names: frozenset[str] = frozenset()

    def function(self, node: ast.FunctionDef) -> None:
        """Converts the body of a user's function, in place."""
        lower_break_continue(node, self.namer)
        lower_returns(node, self.namer)
        scopes.annotate(node, frozenset(self.namer.made))
        outer = (self.scope, self.guarded, self.global_names, self.first_argument)
        arguments = scopes.argument_names(node.args)
        declared = scopes.declared(node.body)
        self.global_names = scopes.declared(node.body, (ast.Global,))
        carried = {name for item in _own_nodes(node) for name in getattr(item, "state", ())}
        undefined = {name for item in _own_nodes(node) for name in scopes.dropped(item)}
        deleted = {name for item in _own_nodes(node) for name in _deleted(item)}
        self.guarded = frozenset((carried - arguments | undefined) - declared) | deleted
        self.scope = _Scope(arguments | declared)
        named = [*node.args.posonlyargs, *node.args.args]
        self.first_argument = named[0].arg if named else None
        body = self.block(node.body)
        start = self._declarations(declared, node)
        doc = body[:1] if ast.get_docstring(node) is not None else []
        node.body = [*doc, *start, *self._undefined(node), *body[len(doc) :]]
        self.scope, self.guarded, self.global_names, self.first_argument = outer

    def block(self, body: Block) -> Block:
        done: Block = []
        for item in body:
            converted = self.visit(item)
            if converted is not None:
                done += converted if isinstance(converted, list) else [converted]
        return done or [ast.copy_location(ast.Pass(), body[0])] if body else []

    def _undefined(self, at: ast.AST) -> Block:
        statements: Block = []
        for name in sorted(self.scope.undefined):
            statements += templates.statements(f"{name} = ag__.Undefined({name!r})", at)
        return statements

    def _declarations(self, names: frozenset[str], at: ast.AST) -> Block:
        statements: Block = []
        for keyword, part in (
            ("global", names & self.global_names),
            ("nonlocal", names - self.global_names),
        ):
            if part:
                statements += templates.statements(f"{keyword} {', '.join(sorted(part))}", at)
        return statements

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        return None

    visit_Nonlocal = visit_Global

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if contains_yield(node):
            return node
        node.args.defaults = [self.visit(item) for item in node.args.defaults]
        node.args.kw_defaults = [item and self.visit(item) for item in node.args.kw_defaults]
        self.function(node)
        node.decorator_list.append(templates.expression("ag__.converted", node))
        return node

    def visit_AsyncFunctionDef(self, node: ast.AST) -> ast.AST:
        return node

    visit_ClassDef = visit_AsyncFunctionDef

    def visit_Delete(self, node: ast.Delete) -> Block:
        statements: Block = []
        for target in node.targets:
            if isinstance(target, ast.Name):
                statements += templates.statements(
                    f"{target.id} = ag__.Undefined({target.id!r})", target
                )
            else:
                statements.append(ast.copy_location(ast.Delete([target]), node))
        return statements

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | Block:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and node.target.id in self.guarded:
            name = node.target.id
            return [*templates.statements(f"{name} = ag__.ld({name})", node), node]
        return node

    def _body_function(
        self, name: str, args: str, state: list[str], body: Block, at: ast.AST, start: Block
    ) -> Block:
        """Returns `def name(args): nonlocal state; start; body` with `body` converted in its own scope."""
        outer, simple = self.scope, frozenset(path for path in state if path.isidentifier())
        outer.need(sorted(simple))
        self.scope = _Scope(simple)
        converted = self.block(body) or [ast.Pass()]
        head = [*self._declarations(simple, at), *self._undefined(at), *start]
        self.scope = outer
        return templates.statements(
            f"def {name}({args}):\n    BLOCK", at, {"BLOCK": head + converted}
        )

    def _state_functions(self, state: list[str], at: ast.AST) -> tuple[Block, str, str]:
        """Returns the definitions of get_state and set_state, and their names."""
        get, put = self.namer.new("get_state"), self.namer.new("set_state")
        values = self.namer.new("values")
        plain = {path for path in state if path.isidentifier() and path not in self.global_names}
        parts = [path if path in plain else f"ag__.ldu(lambda: {path}, {path!r})" for path in state]
        simple = frozenset(path for path in state if path.isidentifier())
        lines = [f"def {get}():", f"    return ({''.join(part + ', ' for part in parts)})"]
        lines += [f"def {put}({values}):"]
        for keyword, names in (
            ("global", simple & self.global_names),
            ("nonlocal", simple - self.global_names),
        ):
            lines += [f"    {keyword} {', '.join(sorted(names))}"] if names else []
        for index, path in enumerate(state):
            if path in simple:
                lines.append(f"    {path} = {values}[{index}]")
            else:
                lines.append(
                    f"    if not ag__.is_undefined({values}[{index}]): {path} = {values}[{index}]"
                )
        lines.append("    return None")
        return templates.statements("\n".join(lines), at), get, put

    def visit_If(self, node: ast.If) -> Block:
        state: list[str] = node.state  # type: ignore[attr-defined]
        test = self.visit(node.test)
        body, orelse = self.namer.new("if_body"), self.namer.new("else_body")
        functions = self._body_function(body, "", state, node.body, node, [])
        functions += self._body_function(orelse, "", state, node.orelse, node, [])
        helpers, get, put = self._state_functions(state, node)
        outputs: int = node.outputs  # type: ignore[attr-defined]
        call = f"ag__.if_(TEST, {body}, {orelse}, {get}, {put}, {tuple(state)!r}, {outputs})"
        return functions + helpers + templates.statements(call, node, TEST=test)

    def visit_While(self, node: ast.While) -> Block:
        state: list[str] = node.state  # type: ignore[attr-defined]
        options, body_statements = self._body_and_options(node)
        tests = [
            ast.UnaryOp(ast.Not(), templates.load(flag)) for flag in getattr(node, "flags", ())
        ]
        test: ast.expr = node.test
        if binds(test):
            test = templates.expression("ag__.as_bool(TEST)", node, TEST=test)
        if tests:
            test = ast.BoolOp(ast.And(), [*tests, test])
        ast.fix_missing_locations(ast.copy_location(test, node.test))
        body, condition = self.namer.new("loop_body"), self.namer.new("loop_test")
        functions = self._body_function(body, "", state, body_statements, node, [])
        test_body: Block = [ast.copy_location(ast.Return(test), node)]
        functions += self._body_function(condition, "", state, test_body, node, [])
        helpers, get, put = self._state_functions(state, node)
        outputs: int = node.outputs  # type: ignore[attr-defined]
        call = (
            f"ag__.while_({condition}, {body}, {get}, {put}, {tuple(state)!r}, {outputs}, OPTIONS)"
        )
        return functions + helpers + templates.statements(call, node, OPTIONS=options)

    def visit_For(self, node: ast.For) -> Block:
        state: list[str] = node.state  # type: ignore[attr-defined]
        options, body_statements = self._body_and_options(node)
        options.keys.append(ast.Constant("target"))
        options.values.append(ast.Constant(ast.unparse(node.target)))
        ast.fix_missing_locations(ast.copy_location(options, node))
        iterated = self.visit(node.iter)
        body, stop = self.namer.new("loop_body"), self.namer.new("extra_test")
        item = self.namer.new("item")
        start = templates.statements(f"TARGET = {item}", node, TARGET=node.target)
        functions = self._body_function(body, item, state, [*start, *body_statements], node, [])
        flags = getattr(node, "flags", ())
        if flags:
            tests: list[ast.expr] = [ast.UnaryOp(ast.Not(), templates.load(flag)) for flag in flags]
            test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
            ast.fix_missing_locations(ast.copy_location(test, node))
            test_body: Block = [ast.copy_location(ast.Return(test), node)]
            functions += self._body_function(stop, "", state, test_body, node, [])
        helpers, get, put = self._state_functions(state, node)
        outputs: int = node.outputs  # type: ignore[attr-defined]
        call = (
            f"ag__.for_(ITERATED, {stop if flags else None}, {body}, {get}, {put}, {tuple(state)!r}, "
            f"{outputs}, OPTIONS)"
        )
        return (
            functions
            + helpers
            + templates.statements(call, node, ITERATED=iterated, OPTIONS=options)
        )

    def _body_and_options(self, node: Loop) -> tuple[ast.Dict, Block]:
        """Returns the options of a loop, and its body without them."""
        start = cleared_flags(node)
        options, body = self._loop_options(node.body[start:])
        return options, [*node.body[:start], *body]

    def _loop_options(self, body: Block) -> tuple[ast.Dict, Block]:
        """Remove `tf.autograph.experimental.set_loop_options(...)` from the start of a loop body, or of a context there."""
        if isinstance(body[0], ast.With):
            options, body[0].body = self._loop_options(body[0].body)
            return options, body
        call = body[0].value if isinstance(body[0], ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("set_loop_options"):
            names = ["parallel_iterations", "swap_memory", "maximum_iterations", "shape_invariants"]
            settings = dict(zip(names, call.args, strict=False))
            settings |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            keys: list[ast.expr | None] = [ast.Constant(name) for name in settings]
            converted = ast.Dict(keys, [self.visit(value) for value in settings.values()])
            ast.fix_missing_locations(ast.copy_location(converted, call))
            return converted, body[1:] or [ast.copy_location(ast.Pass(), body[0])]
        return ast.copy_location(ast.Dict([], []), body[0]), body


def _own_nodes(function: ast.FunctionDef) -> list[ast.AST]:
    """Nodes of the function's own scope."""
    nodes: list[ast.AST] = []
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        nodes.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return nodes


def _deleted(node: ast.AST) -> list[str]:
    if not isinstance(node, ast.Delete):
        return []
    return [target.id for target in node.targets if isinstance(target, ast.Name)]
