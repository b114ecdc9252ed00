"""Rewriting of functions: `tensorflow.python.autograph.pyct.transpiler`."""

from __future__ import annotations

import inspect
import threading
import types
from collections.abc import Iterable, Sequence
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import (
    cache,
    inspect_utils,
    loader,
    naming,
    origin_info,
    parser,
    templates,
    transformer,
)

_FACTORY = """
    future_imports
    def outer_factory_name():
      dummy_closure_defs
      def inner_factory_name(factory_args):
        entity_defs
        return entity_name
      return inner_factory_name
"""


def _wrap_into_factory(
    nodes: Any,
    entity_name: str,
    inner_factory_name: str,
    outer_factory_name: str,
    closure_vars: Iterable[str],
    factory_args: Iterable[str],
    future_features: Sequence[str],
) -> list[Any]:
    """Returns a function that makes a function that makes the entity.

    The outer one only declares the variables that the entity closes over, so that they get cells; the inner one takes
    what the caller adds to the entity's names.
    """
    declared = [
        node for name in closure_vars for node in templates.replace("name = None", name=name)
    ]
    future: Any = []
    if future_features:
        aliases = [gast.alias(name=name, asname=None) for name in future_features]
        future = gast.ImportFrom(module="__future__", names=aliases, level=0)
    arguments = [
        gast.Name(name, ctx=gast.Param(), annotation=None, type_comment=None)
        for name in factory_args
    ]
    return templates.replace(
        _FACTORY,
        dummy_closure_defs=declared,
        entity_defs=nodes,
        entity_name=entity_name,
        factory_args=arguments,
        future_imports=future,
        inner_factory_name=inner_factory_name,
        outer_factory_name=outer_factory_name,
    )


class _PythonFnFactory:
    """Makes functions of rewritten code.

    Args:
      name: of the function.
      freevars: the variables that it closes over.
      extra_locals: further names that its code sees.
    """

    def __init__(self, name: str, freevars: Sequence[str], extra_locals: dict[str, Any]) -> None:
        self._name, self._freevars, self._extra_locals = name, freevars, extra_locals
        self._unbound_factory: Any = None
        self.module: types.ModuleType | None = None
        self.source_map: dict[Any, Any] | None = None

    def create(
        self,
        nodes: Any,
        namer: naming.Namer,
        inner_factory_name: str = "inner_factory",
        outer_factory_name: str = "outer_factory",
        future_features: Sequence[str] = (),
    ) -> None:
        """Loads the code."""
        if self._unbound_factory is not None:
            raise ValueError("double initialization; create a new object instead")
        inner = namer.new_symbol(inner_factory_name, ())
        outer = namer.new_symbol(outer_factory_name, ())
        wrapped = _wrap_into_factory(
            nodes, self._name, inner, outer, self._freevars, self._extra_locals, future_features
        )
        self.module, _, self.source_map = loader.load_ast(wrapped, include_source_map=True)
        self._unbound_factory = getattr(self.module, outer)()

    def instantiate(
        self,
        globals_: dict[str, Any],
        closure: Sequence[Any],
        defaults: tuple[Any, ...] | None = None,
        kwdefaults: dict[str, Any] | None = None,
    ) -> Any:
        """Returns a function with these globals, cells and defaults."""
        if self._unbound_factory is None:
            raise ValueError("call create first")
        code = self._unbound_factory.__code__
        cells = dict(zip(self._freevars, closure))
        own_cells = tuple(cells[name] for name in code.co_freevars)
        if len(own_cells) != len(closure):
            raise ValueError(
                f"closure mismatch, requested {self._freevars}, but source function had {code.co_freevars}"
            )
        factory = types.FunctionType(code, globals_, self._name, (), own_cells)
        function = factory(**self._extra_locals)
        if defaults:
            function.__defaults__ = defaults
        if kwdefaults:
            function.__kwdefaults__ = kwdefaults
        return function


class GenericTranspiler:
    """Rewrites the syntax trees of functions: subclasses say how, in `transform_ast`.

    class Names(GenericTranspiler):
        def transform_ast(self, node, ctx):
            return node.name

    Names().transform(f, None)  # the name, and the context of the rewriting
    """

    def get_transformed_name(self, node: Any) -> str:
        """Returns a name for the rewritten function."""
        if isinstance(node, gast.Lambda):
            return "lam"
        if isinstance(node, gast.FunctionDef):
            return str(node.name)
        raise ValueError(f"Unknown node type {node}")

    def transform_ast(self, node: Any, ctx: transformer.Context) -> Any:
        """Rewrites the tree of a function."""
        raise NotImplementedError("subclasses must override this")

    def transform(self, obj: Any, user_context: Any) -> Any:
        """Rewrites a function or method.

        Args:
          obj: the function.
          user_context: what `transform_ast` finds as `ctx.user`.

        Raises:
          NotImplementedError: it is something else.
        """
        if inspect.isfunction(obj) or inspect.ismethod(obj):
            return self.transform_function(obj, user_context)
        raise NotImplementedError(f"Non-function: {type(obj)}")

    def transform_module(self, mod: types.ModuleType, user_context: Any) -> list[Any]:
        """Rewrites the functions of a module."""
        members = [m for m in vars(mod).values() if inspect.isfunction(m) or inspect.ismethod(m)]
        return [self.transform(member, user_context) for member in members]

    def _erase_arg_defaults(self, node: Any) -> Any:
        """Makes all defaults None: they cannot be evaluated where the code is loaded."""
        none = parser.parse_expression
        node.args.defaults = [none("None") for _ in node.args.defaults]
        node.args.kw_defaults = [d if d is None else none("None") for d in node.args.kw_defaults]
        return node

    def transform_function(self, fn: Any, user_context: Any) -> Any:
        """Returns the result of `transform_ast` for a function, and the context."""
        future_features = inspect_utils.getfutureimports(fn)
        node, source = parser.parse_entity(fn, future_features=future_features)
        origin_info.resolve_entity(node, source, fn)
        namespace = inspect_utils.getnamespace(fn)
        namer = naming.Namer(namespace)
        name = namer.new_symbol(self.get_transformed_name(node), ())
        info = transformer.EntityInfo(name, source, "<fragment>", future_features, namespace)
        context = transformer.Context(info, namer, user_context)
        return self.transform_ast(self._erase_arg_defaults(node), context), context


class PyToPy(GenericTranspiler):
    """Rewrites functions into functions with the same signature, globals and closure; results are cached."""

    def __init__(self) -> None:
        self._cache_lock = threading.RLock()
        self._cache = cache.CodeObjectCache()

    def get_extra_locals(self) -> dict[str, Any]:
        """Returns further names that rewritten code sees."""
        raise NotImplementedError("subclasses must override this")

    def get_caching_key(self, user_context: Any) -> Any:
        """Returns the key that distinguishes rewrites of the same function."""
        raise NotImplementedError("subclasses must override this")

    def transform_function(self, fn: Any, user_context: Any) -> Any:
        """Returns the rewritten function, the module it was loaded in, and the origins of its lines."""
        subkey = self.get_caching_key(user_context)
        with self._cache_lock:
            if not self._cache.has(fn, subkey):
                self._cache[fn][subkey] = self._factory(fn, user_context)
            factory = self._cache[fn][subkey]
        transformed = factory.instantiate(
            globals_=fn.__globals__,
            closure=fn.__closure__ or (),
            defaults=fn.__defaults__,
            kwdefaults=getattr(fn, "__kwdefaults__", None),
        )
        return transformed, factory.module, factory.source_map

    def _factory(self, fn: Any, user_context: Any) -> _PythonFnFactory:
        nodes, ctx = super().transform_function(fn, user_context)
        if isinstance(nodes, gast.Lambda):
            target = gast.Name(ctx.info.name, gast.Store(), None, None)
            nodes = gast.Assign(targets=[target], value=nodes)
        else:
            nodes.name = ctx.info.name
        factory = _PythonFnFactory(ctx.info.name, fn.__code__.co_freevars, self.get_extra_locals())
        factory.create(nodes, ctx.namer, future_features=ctx.info.future_features)
        return factory
