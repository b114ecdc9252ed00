"""Turns `break`, `continue` and early `return` into flags and guarded blocks.

Before:  for i in xs:               After:  done = False
             if c: break                    for i in xs:            # stops when `done`
             rest                               if c: done = True
                                                else: rest

After this pass the function has one `return`, at its end, and no other jump; a loop lists the flags that stop it in `stop_flags`.
"""

import ast
import copy
from collections.abc import Callable
from typing import Any

from penstock._src.function.autograph import templates
from penstock._src.function.autograph.templates import Namer
from penstock._src.util.dataclass import dataclass

Loop = ast.For | ast.While
Block = list[ast.stmt]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass
class _Jump:
    """One kind of jump: its statements, their replacement, and the flag that records that it was taken."""

    matches: Callable[[ast.stmt], bool]
    replacement: Callable[[ast.stmt], Block]
    flag: str
    leaves_loops: bool  # True for return; False for break and continue

    def inside(self, node: ast.stmt) -> bool:
        if self.matches(node):
            return True
        if isinstance(node, _SCOPES):
            return False
        if isinstance(node, Loop) and not self.leaves_loops:
            return any(map(self.inside, node.orelse))
        return any(self.inside(child) for child in _inner_statements(node))

    def always(self, block: Block, suppressed: bool = False) -> bool:
        """True if `block` always ends in this jump; if `suppressed`, also where contexts suppress exceptions."""
        for node in block:
            if self.matches(node):
                return True
            if isinstance(node, ast.If):
                if all(self.always(branch, suppressed) for branch in (node.body, node.orelse)):
                    return True
            if isinstance(node, ast.With) and not suppressed and self.always(node.body):
                return True
        return False

    def lower(self, block: Block) -> tuple[Block, bool]:
        """Returns the block with this jump replaced, and True if the jump may have been taken at its end."""
        done: Block = []
        for index, node in enumerate(block):
            rest = block[index + 1 :]
            if self.matches(node):
                return done + self.replacement(node), True
            if not self.inside(node):
                done.append(node)
                continue
            if isinstance(node, ast.If) and rest:
                rest = self._move_into_branch(node, rest)
            self._lower_inside(node)
            done.append(node)
            if rest:
                guarded, _ = self.lower(rest)
                done += templates.statements(
                    f"if not {self.flag}:\n    BLOCK", rest[0], {"BLOCK": guarded}
                )
            return done, True
        return done, False

    def _move_into_branch(self, node: ast.If, rest: Block) -> Block:
        """Moves what follows an `if` into the branch that does not jump; returns what is left."""
        jumps = self.always(node.body), self.always(node.orelse)
        if jumps[0] == jumps[1]:
            return rest
        # A branch that jumps within a context goes on if the context suppresses an exception before the jump.
        if not jumps[0] or not self.always(node.body, suppressed=True):
            node.body = node.body + copy.deepcopy(rest)
        if not jumps[1] or not self.always(node.orelse, suppressed=True):
            node.orelse = node.orelse + copy.deepcopy(rest)
        return []

    def _lower_inside(self, node: ast.stmt) -> None:
        for parent in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            for field in ("body", "orelse", "finalbody"):
                block = getattr(parent, field, None)
                if block and not (
                    isinstance(parent, Loop) and not self.leaves_loops and field == "body"
                ):
                    lowered, may = self.lower(block)
                    if field == "orelse" and isinstance(node, ast.Try):
                        lowered = self._guard(lowered)
                    setattr(parent, field, lowered)
                    if may and field == "body" and isinstance(parent, Loop):
                        stop_flags(parent).append(self.flag)

    def _guard(self, block: Block) -> Block:
        return templates.statements(f"if not {self.flag}:\n    BLOCK", block[0], {"BLOCK": block})


def _inner_statements(node: ast.AST) -> list[ast.stmt]:
    inner: list[ast.stmt] = []
    for field in ("body", "orelse", "finalbody"):
        inner += getattr(node, field, ()) or ()
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        inner += part.body
    return inner


def stop_flags(loop: ast.stmt) -> list[str]:
    """The names of the flags that end `loop` when true."""
    if not hasattr(loop, "flags"):
        loop.flags = []  # type: ignore[attr-defined]
    return loop.flags  # type: ignore[attr-defined]


def cleared_flags(loop: ast.stmt) -> int:
    """The number of statements at the start of the body of `loop` that lowering put there: they clear flags."""
    return getattr(loop, "cleared", 0)


class _BreakContinue(ast.NodeTransformer):
    """Lowers the jumps of each loop, innermost first."""

    def __init__(self, namer: Namer):
        self.namer = namer

    def visit(self, node: ast.AST) -> ast.AST | Block:
        if isinstance(node, _SCOPES):
            return node
        return super().visit(node)

    def _loop(self, node: Loop) -> Block:
        self.generic_visit(node)
        before: Block = []
        break_flag = None
        has_break = any(_holds(ast.Break, item) for item in node.body)
        if any(_holds(ast.Continue, item) for item in node.body):
            flag = self.namer.new("continue_")
            node.body, _ = _jump(ast.Continue, flag).lower(node.body)
            node.body = [*templates.statements(f"{flag} = False", node), *node.body]
            node.cleared = 1  # type: ignore[union-attr]
        if has_break:
            break_flag = self.namer.new("break_")
            node.body, _ = _jump(ast.Break, break_flag).lower(node.body)
            stop_flags(node).append(break_flag)
            before = templates.statements(f"{break_flag} = False", node)
        after, node.orelse = node.orelse, []
        if after and break_flag:
            after = templates.statements(
                f"if not {break_flag}:\n    BLOCK", after[0], {"BLOCK": after}
            )
        return [*before, node, *after]

    visit_For = visit_While = _loop


def _jump(kind: type[ast.stmt], flag: str) -> _Jump:
    return _Jump(
        matches=lambda node: isinstance(node, kind),
        replacement=lambda node: templates.statements(f"{flag} = True", node),
        flag=flag,
        leaves_loops=False,
    )


def _holds(kind: type[ast.stmt], node: ast.stmt) -> bool:
    return _jump(kind, "").inside(node)


def lower_break_continue(node: ast.FunctionDef, namer: Namer) -> None:
    """Replaces every break and continue of `node` (not in nested functions)."""
    transformer = _BreakContinue(namer)
    body: Block = []
    for item in node.body:
        lowered: Any = transformer.visit(item)
        body += lowered if isinstance(lowered, list) else [lowered]
    node.body = body


def lower_returns(node: ast.FunctionDef, namer: Namer) -> None:
    """Leaves one return at the end of `node`."""
    is_return = lambda item: isinstance(item, ast.Return)  # noqa: E731
    probe = _Jump(is_return, lambda item: [], "", leaves_loops=True)
    *front, last = node.body
    if not any(map(probe.inside, front)) and (is_return(last) or not probe.inside(last)):
        return
    flag, value = namer.new("do_return"), namer.new("retval_")

    def replacement(item: ast.stmt) -> Block:
        assert isinstance(item, ast.Return)
        returned = item.value or ast.Constant(None)
        # The flag comes last: a value that raises, in a `try` or a context that suppresses it, is not returned.
        return templates.statements(f"{value} = VALUE\n{flag} = True", item, VALUE=returned)

    jump = _Jump(is_return, replacement, flag, leaves_loops=True)
    lowered, _ = jump.lower(node.body)
    start = templates.statements(f"{flag} = False\n{value} = ag__.UndefinedReturnValue()", node)
    end = templates.statements(f"return ag__.returned({value})", node.body[-1])
    node.body = [*start, *lowered, *end]
