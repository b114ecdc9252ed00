"""Types of expressions, found without running them: `tensorflow.python.autograph.pyct.static_analysis.type_inference`."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Callable, Sequence
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import anno, cfg, qual_names, transformer
from penstock._src.bridge.python.autograph.pyct.static_analysis import annos

Types = set[Any]
_ABSENT = object()


class Resolver:
    """Says what the types of values are: a program's rules, which subclasses give.

    Names are `QN`s, types are sets of what may occur, None where nothing is known. `ns` maps names outside of the function
    to values, `types_ns` maps names to types.
    """

    def res_name(self, ns: Any, types_ns: Any, name: Any) -> tuple[Types | None, Any]:
        """Returns the types and the value (None if unknown) of a name outside of the function."""
        raise NotImplementedError("subclasses must implement")

    def res_value(self, ns: Any, value: Any) -> Types | None:
        """Returns the types of a value."""
        raise NotImplementedError("subclasses must implement")

    def res_arg(
        self, ns: Any, types_ns: Any, f_name: Any, name: Any, type_anno: Any, f_is_local: bool
    ) -> Types | None:
        """Returns the types of a parameter of the function `f_name`, which may be annotated."""
        raise NotImplementedError("subclasses must implement")

    def res_call(
        self,
        ns: Any,
        types_ns: Any,
        node: Any,
        f_type: Any,
        args: Sequence[Types | None],
        keywords: Sequence[Types | None],
    ) -> tuple[Types | None, dict[Any, Types] | None]:
        """Returns the types of a call's result, and of the names that it sets."""
        raise NotImplementedError("subclasses must implement")

    def res_slice(
        self, ns: Any, types_ns: Any, node_or_slice: Any, value: Types, slice_: Types | None
    ) -> Types | None:
        """Returns the types of an item; `node_or_slice` is the position where a value is unpacked."""
        raise NotImplementedError("subclasses must implement")

    def res_compare(
        self, ns: Any, types_ns: Any, node: Any, left: Types, right: Sequence[Types]
    ) -> Types | None:
        """Returns the types of a comparison."""
        raise NotImplementedError("subclasses must implement")

    def res_unop(self, ns: Any, types_ns: Any, node: Any, opnd: Types) -> Types | None:
        """Returns the types of a unary operation."""
        raise NotImplementedError("subclasses must implement")

    def res_binop(
        self, ns: Any, types_ns: Any, node: Any, left: Types, right: Types
    ) -> Types | None:
        """Returns the types of a binary operation."""
        raise NotImplementedError("subclasses must implement")

    def res_list_literal(self, ns: Any, elt_types: Sequence[Types | None]) -> Types | None:
        """Returns the types of a list that is written out."""
        raise NotImplementedError("subclasses must implement")


class StmtInferrer(gast.NodeVisitor):
    """Annotates the nodes of one statement with their types; `new_symbols` are the types of the names that it sets.

    Args:
      resolver: the rules.
      scope: the names of the function.
      namespace: the values of names outside of it.
      closure_types: the types of names around it.
      types_in: the types of names before the statement.
    """

    def __init__(
        self,
        resolver: Resolver,
        scope: Any,
        namespace: Any,
        closure_types: dict[Any, Types],
        types_in: dict[Any, Types],
    ) -> None:
        self.resolver, self.scope, self.namespace = resolver, scope, namespace
        self.closure_types, self.types_in = closure_types, types_in
        self.new_symbols: dict[Any, Types] = {}
        self._assigned: Types | None = None  # the types of an assignment's value

    def _checked(self, types: Any) -> Any:
        if types is not None and not isinstance(types, set):
            raise ValueError(f"{self.resolver} method expected to return set, got {types}")
        return types

    def visit(self, node: Any) -> Any:
        types = self._checked(super().visit(node))
        if types is not None:
            anno.setanno(node, anno.Static.TYPES, tuple(types))
        return types

    def visit_Constant(self, node: Any) -> Any:
        return self.resolver.res_value(self.namespace, node.value)

    def _unpacked(self, node: Any) -> Any:
        whole = self._assigned
        if whole is not None:
            index = self.resolver.res_value(self.namespace, 0)
            for position, part in enumerate(node.elts):
                self._assigned = self.resolver.res_slice(
                    self.namespace, self.types_in, position, whole, index
                )
                self.visit(part)
            self._assigned = whole
        return whole

    def visit_Tuple(self, node: Any) -> Any:
        if not isinstance(node.ctx, gast.Load):
            return self._unpacked(node)
        parts = [self.visit(part) for part in node.elts]
        return None if any(types is None for types in parts) else set(itertools.product(*parts))

    def visit_List(self, node: Any) -> Any:
        if not isinstance(node.ctx, gast.Load):
            return self._unpacked(node)
        parts = tuple(self.visit(part) for part in node.elts)
        return self.resolver.res_list_literal(self.namespace, parts)

    def visit_Set(self, node: Any) -> Any:
        raise NotImplementedError("types of sets")

    def visit_Name(self, node: Any) -> Any:
        name = anno.getanno(node, anno.Basic.QN)
        if isinstance(node.ctx, gast.Load):
            return self._read(node, name)
        if isinstance(node.ctx, gast.Param):
            types = self._checked(self._parameter(node, name))
        elif isinstance(node.ctx, gast.Store):
            types = self._assigned
        else:
            return None
        if types is not None:
            self.new_symbols[name] = types
        return types

    def _read(self, node: Any, name: Any) -> Any:
        types = self.types_in.get(name)
        if types is not None or (name in self.scope.bound and name not in self.scope.nonlocals):
            return types
        if name in self.closure_types:
            return self.closure_types[name]
        types, value = self.resolver.res_name(self.namespace, self.types_in, name)
        if value is not None:
            anno.setanno(node, anno.Static.VALUE, value)
        return types

    def _parameter(self, node: Any, name: Any) -> Any:
        # The scope of the parameters is in that of the function, which is in that of what surrounds it.
        is_local = self.scope.parent.parent is not None
        annotation = anno.getanno(node.annotation, anno.Basic.QN, None)
        return self.resolver.res_arg(
            self.namespace, self.types_in, self.scope.function_name, name, annotation, is_local
        )

    def visit_Attribute(self, node: Any) -> Any:
        held_by = self.visit(node.value)
        holder = anno.getanno(node.value, anno.Static.VALUE, None)
        if holder is not None:
            value = getattr(holder, node.attr, _ABSENT)
            if value is _ABSENT:
                name = anno.getanno(node, anno.Basic.QN)
                types, value = self.resolver.res_name(self.namespace, self.types_in, name)
                anno.setanno(node, anno.Static.VALUE, value)
                return types
        else:
            attributes = [getattr(kind, node.attr, None) for kind in held_by or ()]
            value = attributes[0] if attributes else None
            if value is None or any(other is not value for other in attributes):
                return None
        anno.setanno(node, anno.Static.VALUE, value)
        return self.resolver.res_value(self.namespace, value)

    def visit_FunctionDef(self, node: Any) -> Any:
        if node.decorator_list:
            raise NotImplementedError(f"decorators: {node.decorator_list}")
        returned: Any = None
        if node.returns:
            name = anno.getanno(node.returns, anno.Basic.QN)
            returned, _ = self.resolver.res_name(self.namespace, self.types_in, name)
        returned = {Any} if self._checked(returned) is None else returned
        self.new_symbols[qual_names.QN(node.name)] = {
            typing.Callable[[Any], kind] for kind in returned
        }

    def visit_Call(self, node: Any) -> Any:
        self.visit(node.func)
        name = anno.getanno(node.func, anno.Basic.QN, None)
        args = [self.visit(arg) for arg in node.args]
        keywords = [self.visit(keyword.value) for keyword in node.keywords]
        if name in self.scope.bound:
            return self._called(self.types_in.get(name))
        types, effects = self.resolver.res_call(
            self.namespace,
            self.types_in,
            node,
            anno.getanno(node.func, anno.Static.TYPES, None),
            args,
            keywords,
        )
        self._checked(types)
        for affected, kinds in (effects or {}).items():
            if not isinstance(affected, qual_names.QN):
                raise ValueError(f"side effect keys must be QNs, got {affected}")
            self.new_symbols[affected] = self._checked(kinds)
        return types

    def _called(self, functions: Types | None) -> Types | None:
        """The types of the result of a function defined inside."""
        if functions is None:
            return None
        returned = set()
        for kind in functions:
            if not isinstance(kind, Callable):  # type: ignore[arg-type]
                raise NotImplementedError(f"callable type {type(kind)}")
            returned.add(kind.__args__[-1] if getattr(kind, "__args__", None) else Any)
        return returned

    def visit_Expr(self, node: Any) -> Any:
        return self.visit(node.value)

    def visit_Assign(self, node: Any) -> None:
        self._assigned = self.visit(node.value)
        for target in node.targets:
            self.visit(target)
        self._assigned = None

    def _operation(self, rule: Callable[..., Any], node: Any, *operands: Any) -> Any:
        """Asks a rule if the types of all operands are known."""
        flat = [
            o for operand in operands for o in (operand if isinstance(operand, list) else [operand])
        ]
        if any(types is None for types in flat):
            return None
        return rule(self.namespace, self.types_in, node, *operands)

    def visit_Subscript(self, node: Any) -> Any:
        value, index = self.visit(node.value), self.visit(node.slice)
        return self._operation(self.resolver.res_slice, node, value, index)

    def visit_Compare(self, node: Any) -> Any:
        left, right = self.visit(node.left), [self.visit(other) for other in node.comparators]
        return self._operation(self.resolver.res_compare, node, left, right)

    def visit_BinOp(self, node: Any) -> Any:
        left, right = self.visit(node.left), self.visit(node.right)
        return self._operation(self.resolver.res_binop, node, left, right)

    def visit_UnaryOp(self, node: Any) -> Any:
        return self._operation(self.resolver.res_unop, node, self.visit(node.operand))


class Analyzer(cfg.GraphVisitor):
    """Carries types from statement to statement of a function.

    Args:
      graph: the graph of the function.
      resolver: the rules.
      namespace: the values of names outside of it.
      scope: its names.
      closure_types: the types of names around it.
    """

    def __init__(
        self,
        graph: cfg.Graph,
        resolver: Resolver,
        namespace: Any,
        scope: Any,
        closure_types: dict[Any, Types],
    ) -> None:
        super().__init__(graph)
        self.resolver, self.namespace, self.scope = resolver, namespace, scope
        self.closure_types = closure_types

    def init_state(self, node: cfg.Node) -> Any:
        return {}

    def _arriving(self, node: cfg.Node) -> dict[Any, Types]:
        states = [self.out[previous] for previous in node.prev]
        if node is self.graph.entry:
            bound = self.scope.bound
            states.append({n: types for n, types in self.closure_types.items() if n not in bound})
        merged: dict[Any, Types] = {}
        for state in states:
            for name, types in state.items():
                merged[name] = merged.get(name, set()) | types
        return merged

    def visit_node(self, node: cfg.Node) -> bool:
        before, arriving = self.out[node], self._arriving(node)
        inferrer = StmtInferrer(
            self.resolver, self.scope, self.namespace, self.closure_types, arriving
        )
        inferrer.visit(node.ast_node)
        leaving = {**arriving, **inferrer.new_symbols}
        self._tell_functions(node.ast_node, leaving)
        self.in_[node], self.out[node] = arriving, leaving
        return before != leaving

    def _tell_functions(self, ast_node: Any, types: dict[Any, Types]) -> None:
        """Annotates the functions that a statement uses with the types of the surrounding names."""
        scope = anno.getanno(ast_node, anno.Static.SCOPE, None)
        if scope is None:
            return
        read = {str(name) for name in scope.read}
        for function in anno.getanno(ast_node, anno.Static.DEFINED_FNS_IN):
            if getattr(function, "name", None) in read:
                known = anno.getanno(function, anno.Static.CLOSURE_TYPES, {})
                for name, kinds in types.items():
                    known[name] = known.get(name, set()) | kinds
                anno.setanno(function, anno.Static.CLOSURE_TYPES, known)


class FunctionVisitor(transformer.Base):
    """Annotates each function of a tree, outer ones first.

    Args:
      source_info: the context of the tree.
      graphs: those of `cfg.build`.
      resolver: the rules.
    """

    def __init__(self, source_info: Any, graphs: dict[Any, cfg.Graph], resolver: Resolver) -> None:
        super().__init__(source_info)
        self.graphs, self.resolver = graphs, resolver

    def visit_FunctionDef(self, node: Any) -> Any:
        analyzer = Analyzer(
            self.graphs[node],
            self.resolver,
            self.ctx.info.namespace,
            anno.getanno(node, annos.NodeAnno.ARGS_AND_BODY_SCOPE),
            anno.getanno(node, anno.Static.CLOSURE_TYPES, {}),
        )
        analyzer.visit_forward()
        node.body = self.visit_block(node.body)
        return node


def resolve(node: Any, source_info: Any, graphs: dict[Any, cfg.Graph], resolver: Resolver) -> Any:
    """Annotates the expressions of a tree with their types.

    Args:
      node: a tree with scopes, definitions and definitions of functions.
      source_info: its context.
      graphs: those of `cfg.build`.
      resolver: the rules.
    """
    return FunctionVisitor(source_info, graphs, resolver).visit(node)
