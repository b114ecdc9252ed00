"""The conversion of functions as an object: `tensorflow.python.autograph.impl.api`."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from penstock._src.bridge.internals.autograph import (
    ControlStatusCtx,
    Status,
    control_status_ctx,
)
from penstock._src.bridge.python.autograph.converters import (
    asserts,
    break_statements,
    call_trees,
    conditional_expressions,
    continue_statements,
    control_flow,
    directives,
    functions,
    lists,
    logical_expressions,
    return_statements,
    slices,
    variables,
)
from penstock._src.bridge.python.autograph.core import converter, function_wrappers
from penstock._src.bridge.python.autograph.operators import (
    conditional_expressions as conditional_operators,
)
from penstock._src.bridge.python.autograph.operators import control_flow as statements
from penstock._src.bridge.python.autograph.operators import (
    data_structures,
    exceptions,
    logical,
    py_builtins,
)
from penstock._src.bridge.python.autograph.operators import slices as items
from penstock._src.bridge.python.autograph.operators import variables as reads
from penstock._src.bridge.python.autograph.pyct import anno, cfg, qual_names, transpiler
from penstock._src.bridge.python.autograph.pyct.static_analysis import (
    activity,
    reaching_definitions,
)
from penstock._src.function.autograph import convert, undefined
from penstock._src.function.autograph.builtins import printing
from penstock._src.function.autograph.parser import AutoGraphError, ConversionError

__all__ = [
    "AutoGraphError",
    "ConversionError",
    "PyToTF",
    "autograph_artifact",
    "call_with_unspecified_conversion_status",
    "converted_call",
    "is_autograph_artifact",
]


def converted_call(
    f: Any, args: Any, kwargs: Any, caller_fn_scope: Any = None, options: Any = None
) -> Any:
    """Calls `f`, converted first if it is user code; `super` and others look at the frame of the caller's scope."""
    if control_status_ctx().status is Status.DISABLED:
        return f(*(args or ()), **(kwargs or {}))
    if options is None and caller_fn_scope is not None:
        options = caller_fn_scope.callopts
    if options is not None and options.uses(converter.Feature.BUILTIN_FUNCTIONS):
        with printing(True):
            return _called(f, args or (), kwargs or {}, caller_fn_scope)
    return _called(f, args or (), kwargs or {}, caller_fn_scope)


def _called(f: Any, args: Any, kwargs: Any, caller_fn_scope: Any) -> Any:
    if caller_fn_scope is not None:
        for function, call in _OF_FRAMES:
            if f is function:
                return call(f, args, caller_fn_scope)
    return convert.converted_call(f, *args, **kwargs)


# Functions that look at the frame that calls them, and those that look at the frame of a scope.
_OF_FRAMES: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (super, py_builtins.super_in_original_context),
    (eval, py_builtins.eval_in_original_context),
    (locals, lambda _, args, scope: py_builtins.locals_in_original_context(scope)),
    (globals, lambda _, args, scope: py_builtins.globals_in_original_context(scope)),
)


def call_with_unspecified_conversion_status(func: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `func`, run with the conversion status of code outside of functions that are converted."""

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        with ControlStatusCtx(Status.UNSPECIFIED):
            return func(*args, **kwargs)

    return convert.mark_converted(call)


def is_autograph_artifact(entity: Any) -> bool:
    """True if a function was made by a conversion."""
    return hasattr(entity, "_penstock_autograph")


def autograph_artifact(entity: Any, extras: Any = None) -> Any:
    """Marks a function as made by a conversion, and returns it."""
    entity.autograph_info__ = extras
    return convert.mark_converted(entity)


@functools.cache
def _runtime() -> types.ModuleType:
    """The module `ag__` of converted code: the operators, and the helpers of function scopes."""
    runtime = types.ModuleType("autograph")
    names: dict[str, Any] = {}
    for module in (
        conditional_operators,
        statements,
        data_structures,
        exceptions,
        logical,
        items,
        reads,
    ):
        names.update({name: member for name, member in vars(module).items() if name[:2] != "__"})
    names.update(
        ConversionOptions=converter.ConversionOptions,
        Feature=converter.Feature,
        FunctionScope=function_wrappers.FunctionScope,
        with_function_scope=function_wrappers.with_function_scope,
        STD=converter.STANDARD_OPTIONS,
        autograph_artifact=autograph_artifact,
        converted_call=converted_call,
        is_undefined=undefined.is_undefined,
    )
    for name, member in names.items():
        setattr(runtime, name, member)
    return runtime


class PyToTF(transpiler.PyToPy):
    """Converts functions, so that their control flow can depend on tensors: all rewrites, one after the other.

    Subclasses choose rewrites by overriding `transform_ast`.
    """

    def get_transformed_name(self, node: Any) -> str:
        """Returns a name for the converted function."""
        return "tf__" + super().get_transformed_name(node)

    def get_extra_locals(self) -> dict[str, Any]:
        """Returns further names that converted code sees."""
        return {"ag__": _runtime()}

    def get_caching_key(self, user_context: Any) -> Any:
        """Returns the key that distinguishes conversions of the same function."""
        return user_context.options

    def transform_function(self, fn: Any, user_context: Any) -> Any:
        """Returns the converted function, the module it was loaded in, and the origins of its lines."""
        transformed, module, source_map = super().transform_function(fn, user_context)
        return convert.mark_converted(transformed), module, source_map

    def initial_analysis(self, node: Any, ctx: Any) -> Any:
        """Annotates a tree with names, scopes and definitions, as all rewrites need them."""
        graphs = cfg.build(node)
        node = qual_names.resolve(node)
        node = activity.resolve(node, ctx, None)
        node = reaching_definitions.resolve(node, ctx, graphs)
        anno.dup(node, {anno.Static.DEFINITIONS: anno.Static.ORIG_DEFINITIONS})
        return node

    def transform_ast(self, node: Any, ctx: Any) -> Any:
        """Returns a function's tree with all rewrites that its options ask for."""
        options = ctx.user.options
        on_lists = (lists, slices) if options.uses(converter.Feature.LISTS) else ()
        node = self.initial_analysis(node, ctx)
        for rewrite in (*_BEFORE_LISTS, *on_lists, *_AFTER_LISTS):
            node = rewrite.transform(node, ctx)
        return node


_BEFORE_LISTS: tuple[Any, ...] = (
    functions,
    directives,
    break_statements,
    asserts,
    continue_statements,
    return_statements,
)
_AFTER_LISTS: tuple[Any, ...] = (
    call_trees,
    control_flow,
    conditional_expressions,
    logical_expressions,
    variables,
)
