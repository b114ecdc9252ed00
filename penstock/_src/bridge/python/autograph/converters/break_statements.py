"""`break` as flags: `tensorflow.python.autograph.converters.break_statements`."""

from __future__ import annotations

from typing import Any

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import anno, parser, qual_names, templates
from penstock._src.bridge.python.autograph.pyct.static_analysis import activity
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno


class _Break:
    """A loop, and its flag, which is set where `break` stood."""

    flag: str = ""
    used = False


class BreakTransformer(converter.Base):
    """Sets a flag and continues in place of `break`; loops end when it is set.

    A `while` loop tests the flag. That a `for` loop ends early is left to the rewrite of loops, which finds the test as an
    annotation.
    """

    def visit_Break(self, node: Any) -> Any:
        self.state[_Break].used = True
        return templates.replace(
            """
            var_name = True
            continue
            """,
            var_name=self.state[_Break].flag,
        )

    def _body(self, node: Any) -> tuple[str, bool]:
        """Visits a loop's parts; returns its flag, and whether it is used."""
        scope = anno.getanno(node, NodeAnno.BODY_SCOPE)
        self.state[_Break].enter()
        self.state[_Break].flag = self.ctx.namer.new_symbol("break_", scope.referenced)
        node.body = self.visit_block(node.body)
        ended = self.state[_Break].exit()
        node.orelse = self.visit_block(node.orelse)
        if ended.used and node.orelse:
            node.orelse = templates.replace(
                """
                if not var_name:
                    block
                """,
                var_name=ended.flag,
                block=node.orelse,
            )
        return ended.flag, ended.used

    def visit_While(self, node: Any) -> Any:
        flag, used = self._body(node)
        if not used:
            return node
        nodes = templates.replace(
            """
            var_name = False
            while not var_name and test:
                body
            orelse
            """,
            var_name=flag,
            test=node.test,
            body=node.body,
            orelse=node.orelse,
        )
        anno.copyanno(node, nodes[1], anno.Basic.DIRECTIVES)
        return nodes

    def visit_For(self, node: Any) -> Any:
        flag, used = self._body(node)
        if not used:
            return node
        # The body reads the flag, which the test does that is only an annotation.
        nodes = templates.replace(
            """
            var_name = False
            for target in iter_:
                (var_name,)
                body
            orelse
            """,
            var_name=flag,
            target=node.target,
            iter_=node.iter,
            body=node.body,
            orelse=node.orelse,
        )
        anno.copyanno(node, nodes[1], anno.Basic.DIRECTIVES)
        test = qual_names.resolve(parser.parse_expression(f"not {flag}"))
        anno.setanno(nodes[1], anno.Basic.EXTRA_LOOP_TEST, test)
        return nodes

    def visit_FunctionDef(self, node: Any) -> Any:
        self.state[_Break].enter()
        node.body = self.visit_block(node.body)
        self.state[_Break].exit()
        return node


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the `break` statements of a tree."""
    node = qual_names.resolve(node)
    return BreakTransformer(ctx).visit(activity.resolve(node, ctx, None))
