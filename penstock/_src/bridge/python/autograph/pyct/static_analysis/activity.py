"""Names that statements read and change: `tensorflow.python.autograph.pyct.static_analysis.activity`."""

from __future__ import annotations

import copy
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, qual_names, transformer
from penstock._src.bridge.python.autograph.pyct.static_analysis.annos import NodeAnno

_SETS = ("read", "modified", "deleted", "bound", "globals", "nonlocals", "annotations")


class Scope:
    """The names that a statement, expression, block or function uses, as QNs.

    `read`, `modified`, `deleted` and `bound` are what it does to them; `params` maps parameters to their functions;
    `isolated_names` are those that only exist inside (the targets of comprehensions).

    Args:
      parent: the scope around it.
      isolated: whether names bound here are not those of the parent, as in functions.
      function_name: the function whose scope it is.
    """

    def __init__(
        self, parent: Scope | None, isolated: bool = True, function_name: str | None = None
    ) -> None:
        self.parent, self.isolated, self.function_name = parent, isolated, function_name
        self.isolated_names: set[Any] = set()
        self.read: set[Any] = set()
        self.modified: set[Any] = set()
        self.deleted: set[Any] = set()
        self.bound: set[Any] = set()
        self.globals: set[Any] = set()
        self.nonlocals: set[Any] = set()
        self.annotations: set[Any] = set()
        self.params: dict[Any, Any] = {}
        self.is_final = False

    @property
    def enclosing_scope(self) -> Scope:
        """The function's scope."""
        if self.parent is not None and not self.isolated:
            return self.parent.enclosing_scope
        return self

    @property
    def referenced(self) -> set[Any]:
        """Names that are read here and in enclosing scopes."""
        around = self.parent.referenced if self.parent is not None else set()
        return self.read | around

    @property
    def free_vars(self) -> set[Any]:
        """Names that are read and not bound."""
        return self.enclosing_scope.read - self.enclosing_scope.bound

    def mark_param(self, name: Any, owner: Any) -> None:
        """Says that a name is a parameter of a function."""
        self.params[name] = owner

    def copy_from(self, other: Scope) -> None:
        """Takes over the names of another scope."""
        for name in _SETS:
            setattr(self, name, copy.copy(getattr(other, name)))
        self.isolated_names = copy.copy(other.isolated_names)
        self.params = copy.copy(other.params)

    @classmethod
    def copy_of(cls, other: Scope) -> Scope:
        """Returns a scope with the same names and the same parent."""
        scope = cls(other.parent, other.isolated)
        scope.copy_from(other)
        return scope

    def merge_from(self, other: Scope) -> None:
        """Adds the names of another scope."""
        for name in _SETS:
            getattr(self, name).update(getattr(other, name))
        self.params.update(other.params)

    def finalize(self) -> None:
        """Ends the scope: its effects on outer names become those of the parent."""
        if self.is_final or self.parent is None:
            self.is_final = True
            return
        outer = self.parent
        if self.isolated:
            outer.read |= self.read - self.bound
            outer.annotations |= self.annotations - self.bound
            outer.bound |= self.nonlocals
        else:
            for name in ("read", "modified", "deleted", "bound", "annotations"):
                getattr(outer, name).update(getattr(self, name) - self.isolated_names)
            outer.params.update(self.params)
            outer.globals |= self.globals
            outer.nonlocals |= self.nonlocals
        self.is_final = True

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={sorted(map(str, getattr(self, name)))}" for name in _SETS[:4])
        return f"Scope({shown})"


class ActivityAnalyzer(transformer.Base):
    """Annotates a tree with scopes.

    Args:
      context: the context.
      parent_scope: the scope around the tree.
    """

    def __init__(self, context: Any, parent_scope: Scope | None = None) -> None:
        super().__init__(context)
        self.allow_skips = False
        self.scope = Scope(parent_scope, isolated=True)
        self._updates = False  # in the target of an augmented assignment
        self._annotates = False
        self._functions: list[Any] = []

    # -- scopes

    def _enter(self, isolated: bool, name: str | None = None) -> None:
        self.scope = Scope(self.scope, isolated, name)

    def _exit(self) -> Scope:
        ended = self.scope
        ended.finalize()
        assert ended.parent is not None
        self.scope = ended.parent
        return ended

    def _record(self, node: Any, key: Any = anno.Static.SCOPE) -> Scope:
        ended = self._exit()
        anno.setanno(node, key, ended)
        return ended

    def _statement(self, node: Any) -> Any:
        self._enter(False)
        node = self.generic_visit(node)
        self._record(node)
        return node

    def _blocks(self, node: Any, blocks: Any) -> Any:
        """Visits alternative blocks: each begins with the names known before all of them."""
        before = Scope.copy_of(self.scope)
        after = []
        for statements, key in blocks:
            self.scope.copy_from(before)
            self._enter(False)
            for statement in statements:
                self.visit(statement)
            self._record(node, key)
            after.append(Scope.copy_of(self.scope))
        for scope in after:
            self.scope.merge_from(scope)
        return node

    # -- names

    def _track(self, node: Any) -> None:
        if not anno.hasanno(node, anno.Basic.QN):
            return
        name = anno.getanno(node, anno.Basic.QN)
        scope = self.scope
        if isinstance(node.ctx, gast.Store):
            scope.modified.add(name)
            scope.bound.add(name)
            if self._updates:
                scope.read.add(name)
        elif isinstance(node.ctx, gast.Load):
            scope.read.add(name)
            if self._annotates:
                scope.annotations.add(name)
        elif isinstance(node.ctx, gast.Param):
            scope.bound.add(name)
            scope.mark_param(name, self._functions[-1])
        elif isinstance(node.ctx, gast.Del):
            scope.read.add(name)
            scope.modified.add(name)
            scope.bound.add(name)
            scope.deleted.add(name)
        else:
            raise ValueError(f"Unknown context {type(node.ctx)} for node '{name}'.")

    def visit_Name(self, node: Any) -> Any:
        if getattr(node, "annotation", None) is not None:
            self._annotation(node.annotation)
        self._track(node)
        return node

    def visit_Attribute(self, node: Any) -> Any:
        node = self.generic_visit(node)
        self._track(node)
        return node

    visit_Subscript = visit_Attribute

    def _annotation(self, node: Any) -> None:
        before, self._annotates = self._annotates, True
        self.visit(node)
        self._annotates = before

    # -- statements

    visit_Assign = visit_Return = visit_Expr = visit_Raise = visit_Assert = visit_Delete = (
        _statement
    )
    visit_Pass = visit_Break = visit_Continue = _statement

    def visit_AnnAssign(self, node: Any) -> Any:
        self._enter(False)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)
        self._annotation(node.annotation)
        self._record(node)
        return node

    def visit_AugAssign(self, node: Any) -> Any:
        self._enter(False)
        self.visit(node.value)
        self._updates = True
        self.visit(node.target)
        self._updates = False
        self._record(node)
        return node

    def _declaration(self, node: Any) -> Any:
        self._enter(False)
        field = "globals" if isinstance(node, gast.Global) else "nonlocals"
        for name in node.names:
            qualified = qual_names.QN(name)
            self.scope.read.add(qualified)
            getattr(self.scope, field).add(qualified)
        self._record(node)
        return node

    visit_Global = visit_Nonlocal = _declaration

    def _import(self, node: Any) -> Any:
        self._enter(False)
        for alias in node.names:
            name = qual_names.QN((alias.asname or alias.name).split(".")[0])
            self.scope.modified.add(name)
            self.scope.bound.add(name)
        self._record(node)
        return node

    visit_Import = visit_ImportFrom = _import

    def visit_Call(self, node: Any) -> Any:
        self._enter(False)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword)
        self._record(node, anno.Static.ARGS_SCOPE)
        self.visit(node.func)
        return node

    def visit_ClassDef(self, node: Any) -> Any:
        self._enter(False)
        name = qual_names.QN(node.name)
        self.scope.modified.add(name)
        self.scope.bound.add(name)
        for part in (*node.bases, *node.decorator_list, *(k.value for k in node.keywords)):
            self.visit(part)
        self._enter(True, node.name)
        for statement in node.body:
            self.visit(statement)
        self._exit()
        self._record(node)
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        self._functions.append(node)
        self._enter(False)
        name = qual_names.QN(node.name)
        self.scope.modified.add(name)
        self.scope.bound.add(name)
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._signature(node.args)
        if node.returns is not None:
            self._annotation(node.returns)
        self._record(node)
        self._body(node, node.name)
        self._functions.pop()
        return node

    def visit_Lambda(self, node: Any) -> Any:
        self._functions.append(node)
        self._enter(False)
        self._signature(node.args)
        self._record(node)
        self._body(node, None)
        self._functions.pop()
        return node

    def _signature(self, arguments: Any) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        for parameter in _parameters(arguments):
            if getattr(parameter, "annotation", None) is not None:
                self._annotation(parameter.annotation)

    def _body(self, node: Any, name: str | None) -> None:
        """Visits the parameters and the body of a function in a scope of its own."""
        self._enter(True, name)
        self._enter(False)
        for parameter in _parameters(node.args):
            self._track(parameter)
            anno.setanno(parameter, anno.Static.IS_PARAM, True)
        self._record(node.args)
        self._enter(False)
        if isinstance(node, gast.Lambda):
            self.visit(node.body)
            anno.setanno(node.body, anno.Static.SCOPE, self.scope)
        else:
            for statement in node.body:
                self.visit(statement)
        self._record(node, NodeAnno.BODY_SCOPE)
        self._record(node, NodeAnno.ARGS_AND_BODY_SCOPE)

    def _item(self, node: Any) -> Any:
        self._enter(False)
        node = self.generic_visit(node)
        self._record(node)
        return node

    visit_withitem = _item

    def _comprehension(self, node: Any) -> Any:
        self._enter(False)
        targets = Scope(None)
        for generator in node.generators:
            self.visit(generator.iter)
            inner, self.scope = self.scope, Scope(None)
            self.visit(generator.target)
            targets.merge_from(self.scope)
            self.scope = inner
            for condition in generator.ifs:
                self.visit(condition)
        for part in (node.key, node.value) if isinstance(node, gast.DictComp) else (node.elt,):
            self.visit(part)
        self.scope.isolated_names |= targets.bound
        self._exit()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_If(self, node: Any) -> Any:
        self._enter(False)
        self._enter(False)
        self.visit(node.test)
        anno.setanno(node.test, anno.Static.SCOPE, self._record(node, NodeAnno.COND_SCOPE))
        anno.setanno(node, anno.Static.COND_SCOPE, anno.getanno(node, NodeAnno.COND_SCOPE))
        self._blocks(node, ((node.body, NodeAnno.BODY_SCOPE), (node.orelse, NodeAnno.ORELSE_SCOPE)))
        self._record(node)
        return node

    def visit_While(self, node: Any) -> Any:
        return self.visit_If(node)

    def visit_For(self, node: Any) -> Any:
        self._enter(False)
        self._enter(False)
        self.visit(node.target)
        self.visit(node.iter)
        self._record(node.iter)
        self._enter(False)
        self.visit(node.target)
        self._record(node, NodeAnno.ITERATE_SCOPE)
        self._blocks(node, ((node.body, NodeAnno.BODY_SCOPE), (node.orelse, NodeAnno.ORELSE_SCOPE)))
        self._record(node)
        return node

    def visit_With(self, node: Any) -> Any:
        self._enter(False)
        node = self.generic_visit(node)
        self._record(node, NodeAnno.BODY_SCOPE)
        anno.setanno(node, anno.Static.SCOPE, anno.getanno(node, NodeAnno.BODY_SCOPE))
        return node

    def visit_Try(self, node: Any) -> Any:
        self._enter(False)
        node = self.generic_visit(node)
        self._record(node)
        return node

    def visit_ExceptHandler(self, node: Any) -> Any:
        self._enter(False)
        for statement in node.body:
            self.visit(statement)
        if node.name is not None:
            self.scope.isolated_names.add(qual_names.QN(node.name.id))
        if node.type is not None:
            self.visit(node.type)
        self._record(node)
        return node


def _parameters(arguments: Any) -> list[Any]:
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return parameters + [part for part in (arguments.vararg, arguments.kwarg) if part is not None]


def resolve(node: Any, context: Any, parent_scope: Scope | None = None) -> Any:
    """Annotates a tree, whose names have been resolved, with the scopes of its statements and expressions."""
    return ActivityAnalyzer(context, parent_scope).visit(node)
