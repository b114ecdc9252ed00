"""Finds the variables that a statement reads, writes, and must carry as state.

After `annotate(function)`, each `if`, `while` and `for` has
  .state      the simple names and composites (`self.x`, `d['k']`) that it shares with the code around it;
  .outputs    the number of leading entries of `state` that a graph carries. The others are overwritten before they
              are read again, except after an exception that a context or a `try` stops.
"""

import ast
from collections.abc import Iterable

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Names = frozenset[str]
NONE: Names = frozenset()


def reads(node: ast.AST | Iterable[ast.AST] | None) -> Names:
    """Return the names with values that `node` may read, nested functions included."""
    if node is None:
        return NONE
    if not isinstance(node, ast.AST):
        return NONE.union(*(reads(item) for item in node))
    if isinstance(node, ast.Name):
        return frozenset([node.id]) if isinstance(node.ctx, ast.Load | ast.Del) else NONE
    inner = NONE.union(*(reads(child) for child in ast.iter_child_nodes(node)), NONE)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        inner |= {node.target.id}
    if isinstance(node, _FUNCTIONS):
        outer = reads([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        outer |= reads(getattr(node, "decorator_list", ()))
        return free_names(node) | outer
    if isinstance(node, _COMPREHENSIONS):
        own = NONE.union(*(writes(part.target) for part in node.generators))
        return (inner - own) | reads(node.generators[0].iter)
    return inner


def free_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Names:
    """Outer names that a function reads when it is called."""
    body = node.body if isinstance(node.body, list) else [node.body]
    return reads(body) - argument_names(node.args) - (writes(body) - declared(body))


def writes(node: ast.AST | Iterable[ast.AST] | None) -> Names:
    """Simple names that `node` may bind in its own scope."""
    if node is None:
        return NONE
    if not isinstance(node, ast.AST):
        return NONE.union(*(writes(item) for item in node))
    if isinstance(node, ast.Name):
        return frozenset([node.id]) if isinstance(node.ctx, ast.Store | ast.Del) else NONE
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset([node.name])
    if isinstance(node, ast.Lambda):
        return NONE
    if isinstance(node, _COMPREHENSIONS):
        return frozenset(
            walrus.target.id for walrus in ast.walk(node) if isinstance(walrus, ast.NamedExpr)
        )
    inner = NONE.union(*(writes(child) for child in ast.iter_child_nodes(node)), NONE)
    if isinstance(node, ast.Import | ast.ImportFrom):
        inner |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.ExceptHandler) and node.name:
        inner |= {node.name}
    if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
        inner |= {node.name}
    if isinstance(node, ast.MatchMapping) and node.rest:
        inner |= {node.rest}
    return inner


def declared(
    body: Iterable[ast.AST], kinds: tuple[type, ...] = (ast.Global, ast.Nonlocal)
) -> Names:
    """Names that `global` or `nonlocal` statements of this scope mention."""
    names: set[str] = set()
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, kinds):
            names.update(node.names)  # type: ignore[attr-defined]
        if not isinstance(node, _FUNCTIONS + (ast.ClassDef,)):
            pending.extend(ast.iter_child_nodes(node))
    return frozenset(names)


def argument_names(args: ast.arguments) -> Names:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return frozenset(arg.arg for arg in every if arg is not None)


def composite_writes(node: ast.AST | Iterable[ast.AST]) -> dict[str, Names]:
    """Attributes and items that `node` assigns, e.g. `self.x`, with the names each depends on."""
    composites: dict[str, Names] = {}
    pending = list(node) if not isinstance(node, ast.AST) else [node]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.Attribute | ast.Subscript) and isinstance(item.ctx, ast.Store):
            if _is_path(item):
                composites[ast.unparse(item)] = reads(item)
        if not isinstance(item, _FUNCTIONS + (ast.ClassDef,)):
            pending.extend(ast.iter_child_nodes(item))
    return composites


def _is_path(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return _is_path(node.value)
    if isinstance(node, ast.Subscript):
        return _is_path(node.value) and isinstance(node.slice, ast.Constant | ast.Name)
    return isinstance(node, ast.Name)


def _kept_lambdas(node: ast.stmt) -> list[ast.Lambda]:
    """Lambdas that may be called after a statement. A lambda passed as an argument counts as called only in that call, as in TensorFlow."""
    calls = [item for item in ast.walk(node) if isinstance(item, ast.Call)]
    passed = {id(x) for call in calls for x in (*call.args, *[k.value for k in call.keywords])}
    lambdas = [item for item in ast.walk(node) if isinstance(item, ast.Lambda)]
    return [item for item in lambdas if id(item) not in passed]


class _Liveness:
    """Liveness analysis, backwards; jumps have been removed, so a block has one entry and one exit."""

    def __init__(self, always_live: Names, flags: Names):
        self.always_live, self.flags = always_live, flags
        self.handlers: list[Names] = []

    def block(self, body: list[ast.stmt], live: Names, closures: Names) -> Names:
        kept = []
        for node in body:
            kept.append(closures)
            if isinstance(node, _FUNCTIONS):
                closures |= free_names(node)
            else:
                closures = closures.union(*map(free_names, _kept_lambdas(node)))
        for node, kept_by_node in zip(reversed(body), reversed(kept), strict=True):
            live = self.statement(node, live | kept_by_node, kept_by_node)
        return live

    def statement(self, node: ast.stmt, live: Names, closures: Names) -> Names:
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is not None:
            return method(node, live, closures)
        bound = writes(node) if not isinstance(node, ast.Delete | ast.AugAssign) else NONE
        return (live - bound) | reads(node)

    def _If(self, node: ast.If, live: Names, closures: Names) -> Names:
        live_in = self.block(node.body, live, closures) | self.block(node.orelse, live, closures)
        self.carry(node, [*node.body, *node.orelse], live, live_in)
        return live_in | reads(node.test)

    def _While(self, node: ast.While, live: Names, closures: Names) -> Names:
        flags = frozenset(getattr(node, "flags", ()))
        live_in = live | reads(node.test) | flags
        for _ in range(2):  # the second pass includes the names read in the next iteration
            live_in |= self.block(node.body, live_in, closures)
        self.carry(node, [node.test, *node.body], live, live_in)
        return live_in

    def _For(self, node: ast.For, live: Names, closures: Names) -> Names:
        flags = frozenset(getattr(node, "flags", ()))
        live_in = live | flags
        for _ in range(2):
            live_in |= self.block(node.body, live_in, closures) - writes(node.target)
        live_in |= reads(node.target)
        self.carry(node, [node.target, *node.body], live, live_in)
        return live_in | reads(node.iter)

    _AsyncFor = _For

    def _With(self, node: ast.With, live: Names, closures: Names) -> Names:
        # A context that suppresses an exception leaves a flag of a jump as it was.
        live = self.block(node.body, live, closures) | (live & self.flags)
        for item in reversed(node.items):
            live = (live - writes(item.optional_vars)) | reads(item.context_expr)
            live |= reads(item.optional_vars)
        return live

    def _Try(self, node: ast.Try, live: Names, closures: Names) -> Names:
        after = self.block(node.finalbody, live, closures) | live
        entries = after
        for handler in node.handlers:
            entries |= self.block(handler.body, after, closures) | reads(handler.type)
        self.handlers.append(entries)
        live_in = self.block(
            node.body, self.block(node.orelse, after, closures), closures | entries
        )
        self.handlers.pop()
        return live_in | entries

    _TryStar = _Try

    def _Match(self, node: ast.Match, live: Names, closures: Names) -> Names:
        live_in = live
        for case in node.cases:
            live_in |= (
                self.block(case.body, live, closures) | reads(case.guard) | reads(case.pattern)
            )
        return live_in | reads(node.subject)

    def _Raise(self, node: ast.Raise, live: Names, closures: Names) -> Names:
        return reads(node) | NONE.union(*self.handlers) | closures

    def _Return(self, node: ast.Return, live: Names, closures: Names) -> Names:
        return reads(node) | NONE.union(*self.handlers)

    def carry(self, node: ast.stmt, inside: list, live_out: Names, live_in: Names) -> None:
        """Sets the outputs of `node`, which come first in its state."""
        live_in |= self.always_live
        bound = writes(inside)
        if isinstance(node, ast.If):
            simple = [name for name in bound if name in live_out | self.always_live]
        else:
            simple = [name for name in bound if name in live_in or name in live_out]
        composite = [path for path, names in composite_writes(inside).items() if names <= live_in]
        node.outputs = len(simple) + len(composite)  # type: ignore[attr-defined]
        node.state = sorted(simple) + sorted(composite)  # type: ignore[attr-defined]


class _ExceptionalLiveness(_Liveness):
    """Liveness if any statement may raise, and any context may suppress the exception.

    Python needs these values. Graphs do not carry them: most contexts, such as tapes, suppress nothing, and values that only they
    keep alive need not have one type in both branches.
    """

    def _With(self, node: ast.With, live: Names, closures: Names) -> Names:
        kept = live
        live = self.block(node.body, live, closures | kept) | kept
        for item in reversed(node.items):
            live = (live - writes(item.optional_vars)) | reads(item.context_expr)
            live |= reads(item.optional_vars)
        return live | kept

    def _Try(self, node: ast.Try, live: Names, closures: Names) -> Names:
        after = self.block(node.finalbody, live, closures) | live
        entries = after
        for handler in node.handlers:  # an exception of a handler runs the `finally`, too
            entries |= self.block(handler.body, after, closures | after) | reads(handler.type)
        otherwise = self.block(node.orelse, after, closures | after)
        self.handlers.append(entries)
        live_in = self.block(node.body, otherwise, closures | entries)
        self.handlers.pop()
        return live_in | entries

    _TryStar = _Try

    def carry(self, node: ast.stmt, inside: list, live_out: Names, live_in: Names) -> None:
        outputs: list[str] = node.state[: node.outputs]  # type: ignore[attr-defined]
        others = (writes(inside) & (live_in | live_out)) - frozenset(outputs)
        node.state = outputs + sorted(others)  # type: ignore[attr-defined]


def dropped(node: ast.AST) -> list[str]:
    """The variables of an annotated statement that a graph does not carry: undefined after it."""
    return getattr(node, "state", [])[getattr(node, "outputs", 0) :]


def annotate(node: ast.FunctionDef, flags: Names) -> None:
    """Sets `.state` on the control flow statements of `node`, not of functions nested in it; `flags` are the names that its jumps got."""
    outside = declared(node.body)
    for analysis in (_Liveness, _ExceptionalLiveness):
        analysis(outside, flags).block(node.body, outside, NONE)
