"""`continue` as flags and guarded blocks: `tensorflow.python.autograph.converters.continue_statements`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, templates
from penstock._src.bridge.python.autograph.pyct.static_analysis import activity
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno


class _Loop:
    """A loop, and its flag, which is set where `continue` stood."""

    flag: str = ""
    used = False


class ContinueCanonicalizationTransformer(converter.Base):
    """Sets a flag in place of `continue`; what follows in the body runs while the flag is not set."""

    def visit_Continue(self, node: Any) -> Any:
        self.state[_Loop].used = True
        return templates.replace("var_name = True", var_name=self.state[_Loop].flag)

    def _guarded(self, statements: Any) -> Any:
        """Visits a block: after a statement that may set the flag, the rest is guarded."""
        guarded: list[Any] = []
        around, self.state[_Loop].used = self.state[_Loop].used, False
        for index, statement in enumerate(statements):
            replacement = self.visit(statement)
            guarded += replacement if isinstance(replacement, list) else [replacement]
            rest = statements[index + 1 :]
            if self.state[_Loop].used and rest:
                guarded += templates.replace(
                    """
                    if not var_name:
                        body
                    """,
                    var_name=self.state[_Loop].flag,
                    body=self._guarded(rest),
                )
                self.state[_Loop].used = True
                break
        self.state[_Loop].used = around or self.state[_Loop].used
        return guarded

    def _loop(self, node: Any) -> Any:
        scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
        self.state[_Loop].enter()
        self.state[_Loop].flag = self.ctx.namer.new_symbol("continue_", scope.referenced)
        node.body = self._guarded(node.body)
        ended = self.state[_Loop].exit()
        if ended.used:
            start = templates.replace("var_name = False", var_name=ended.flag)
            node.body = [*start, *node.body]
        # A `continue` in what follows the loop is that of the loop around.
        node.orelse = self._guarded(node.orelse)
        return node

    visit_While = visit_For = _loop

    def visit_If(self, node: Any) -> Any:
        node.body, node.orelse = self._guarded(node.body), self._guarded(node.orelse)
        return node

    def visit_With(self, node: Any) -> Any:
        node.body = self._guarded(node.body)
        return node

    def visit_Try(self, node: Any) -> Any:
        node.body, node.orelse = self._guarded(node.body), self._guarded(node.orelse)
        # In Python 3.8 and later a `continue` may stand here too.
        node.finalbody = self._guarded(node.finalbody)
        node.handlers = [self.visit(handler) for handler in node.handlers]
        return node

    def visit_ExceptHandler(self, node: Any) -> Any:
        node.body = self._guarded(node.body)
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        self.state[_Loop].enter()
        node.body = self._guarded(node.body)
        self.state[_Loop].exit()
        return node

    def visit_Lambda(self, node: gast.Lambda) -> Any:
        return node


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the `continue` statements of a tree."""
    return ContinueCanonicalizationTransformer(ctx).visit(activity.resolve(node, ctx, None))
