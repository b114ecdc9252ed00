"""Transformers of syntax trees with state: `tensorflow.python.autograph.pyct.transformer`."""

from __future__ import annotations

import ast
import collections
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gast

from penstock._src.bridge.python.autograph.pyct import anno, ast_util, templates


class EntityInfo(NamedTuple):
    """Properties of a function that is rewritten."""

    name: str
    source_code: str | None
    source_file: str | None
    future_features: Sequence[str]
    namespace: Any


class Context:
    """The state of rewriting a function.

    Args:
      info: the function.
      namer: makes unused names.
      user_context: what the caller passes on.
    """

    def __init__(self, info: EntityInfo, namer: Any, user_context: Any) -> None:
        self.info, self.namer, self.user = info, namer, user_context
        self.current_origin: Any = None


class _StateStack:
    """The nested values of one class of state; attributes are those of the innermost."""

    def __init__(self, kind: type) -> None:
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "_stack", [])
        self.enter()

    def __enter__(self) -> _StateStack:
        self.enter()
        return self

    def __exit__(self, *error: Any) -> None:
        self.exit()

    def enter(self, copy_from: Any = None) -> None:
        """Begins a value, which takes over `copy_from` if it has a method for that."""
        self._stack.append(self.type())
        if copy_from is not None:
            self._stack[-1].copy_from(copy_from)

    def exit(self) -> Any:
        """Ends and returns the innermost value."""
        return self._stack.pop()

    @property
    def stack(self) -> list[Any]:
        """All values, outermost first."""
        return self._stack

    @property
    def level(self) -> int:
        """The number of states."""
        return len(self._stack)

    @property
    def value(self) -> Any:
        """The innermost value."""
        return self._stack[-1]

    def __iter__(self) -> Any:
        return iter(self._stack)

    def __getattr__(self, key: str) -> Any:
        return getattr(self._stack[-1], key)

    def __setattr__(self, key: str, value: Any) -> None:
        setattr(self._stack[-1], key, value)


class _State:
    """The stacks of values by class."""

    def __init__(self) -> None:
        self._stacks: dict[type, _StateStack] = {}

    def __getitem__(self, key: type) -> _StateStack:
        if key not in self._stacks:
            self._stacks[key] = _StateStack(key)
        return self._stacks[key]


class NodeStateTracker:
    """Keeps the context and state of visits: `self.state[Class]` is the stack of a class's values.

    Args:
      ctx: the context.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.state = _State()

    def debug_print(self, node: Any) -> Any:
        """Prints a tree and returns it."""
        print(ast.dump(node) if isinstance(node, ast.AST) else node)
        return node

    def visit_block(
        self,
        nodes: Sequence[Any] | None,
        before_visit: Callable[[], Any] | None = None,
        after_visit: Callable[[Any], tuple[Any, Any]] | None = None,
    ) -> list[Any] | None:
        """Visits statements one by one.

        Args:
          nodes: the statements.
          before_visit: called before each.
          after_visit: a function of what a visit gives, which returns a replacement, and the list to which the following
            statements go, or None.

        Returns:
          The statements that the visits give.
        """
        if nodes is None:
            return None
        results: list[Any] = []
        destination = results
        for node in nodes:
            if before_visit is not None:
                before_visit()
            replacement, following = self.visit(node), None  # type: ignore[attr-defined]
            if after_visit is not None and replacement:
                replacement, following = after_visit(replacement)
            if replacement:
                destination.extend(
                    replacement if isinstance(replacement, list | tuple) else [replacement]
                )
            if following is not None:
                destination = following
        return results


class Base(NodeStateTracker, gast.NodeTransformer):
    """A transformer that keeps the origins of nodes: new ones have that of the node they were made for."""

    def create_assignment(self, target: Any, expression: Any) -> list[Any]:
        """Returns the statements that assign an expression."""
        return templates.replace("target = expression", target=target, expression=expression)

    def apply_to_single_assignments(
        self, targets: Any, values: Any, apply_fn: Callable[[Any, Any], Any]
    ) -> None:
        """Calls a function for each single assignment in one that may be unpacked."""
        ast_util.apply_to_single_assignments(targets, values, apply_fn)

    def visit(self, node: Any) -> Any:
        """Visits a node.

        Raises:
          ValueError: it is a list or something else that is not a node.
        """
        if not isinstance(node, ast.AST):
            raise ValueError(
                f'invalid value for "node": expected "ast.AST", got "{type(node)}"; to visit lists of '
                'nodes, use "visit_block" instead'
            )
        if anno.hasanno(node, anno.Basic.SKIP_PROCESSING):
            return node
        around = self.ctx.current_origin
        origin = anno.getanno(node, anno.Basic.ORIGIN, None)
        if origin is not None:
            self.ctx.current_origin = origin
        try:
            result = super().visit(node)
            if isinstance(result, gast.Expr) and isinstance(result.value, gast.stmt | list):
                result = result.value  # a transformer made a statement of the expression
            self._take_origin(result)
            return result
        finally:
            self.ctx.current_origin = around

    def _take_origin(self, result: Any) -> None:
        origin = self.ctx.current_origin
        for child in result if isinstance(result, list | tuple) else [result]:
            if origin is not None and isinstance(child, ast.AST):
                if not anno.hasanno(child, anno.Basic.ORIGIN):
                    anno.setanno(child, anno.Basic.ORIGIN, origin)


class CodeGenerator(NodeStateTracker, gast.NodeVisitor):
    """A visitor that writes text.

    Args:
      ctx: the context.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self._output_code = ""
        self.source_map: dict[Any, Any] = collections.OrderedDict()

    def emit(self, code: str) -> None:
        """Appends text."""
        self._output_code += code

    @property
    def code_buffer(self) -> str:
        """The text so far."""
        return self._output_code

    def visit(self, node: Any) -> Any:
        """Visits a node; the lines that it writes have its origin."""
        if anno.hasanno(node, anno.Basic.SKIP_PROCESSING):
            return None
        around = self.ctx.current_origin
        origin = anno.getanno(node, anno.Basic.ORIGIN, None)
        if origin is not None:
            self.ctx.current_origin = origin
        before = self._output_code.count("\n")
        try:
            result = super().visit(node)
            for line in range(before + 1, self._output_code.count("\n") + 1):
                self.source_map.setdefault(line, self.ctx.current_origin)
            return result
        finally:
            self.ctx.current_origin = around
