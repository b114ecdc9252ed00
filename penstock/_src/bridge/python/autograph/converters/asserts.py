"""Assertions as calls: `tensorflow.python.autograph.converters.asserts`."""

from __future__ import annotations

from typing import Any

import gast

from penstock._src.bridge.python.autograph.core import converter
from penstock._src.bridge.python.autograph.pyct import templates


class AssertTransformer(converter.Base):
    """Rewrites `assert test, message`, where the message is computed if the test fails."""

    def visit_Assert(self, node: Any) -> Any:
        node = self.generic_visit(node)
        message = gast.Constant("Assertion error", kind=None) if node.msg is None else node.msg
        return templates.replace("ag__.assert_stmt(test, lambda: msg)", test=node.test, msg=message)


def transform(node: Any, ctx: Any) -> Any:
    """Rewrites the assertions of a tree."""
    return AssertTransformer(ctx).visit(node)
