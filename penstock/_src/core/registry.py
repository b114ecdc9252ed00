"""The registry of op classes by name, and `raw`, through which ops call one another.

    raw.MatMul(a=x, b=y, transpose_a=True)

The folder is scanned for `class <Name>(`, and for calls such as `variant("<Name>", `, to find the module of each op; a module is
loaded when one of its ops is first used.
"""

import functools
import importlib
import inspect
import math
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Any

from penstock._src.core import dispatch
from penstock._src.core.calls.attributes import REQUIRED
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import OPS, Op
from penstock._src.core.shapes import TensorShape
from penstock._src.util import slots
from penstock._src.util.files.scanned import names_in
from penstock._src.util.process import collector

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "ops"
# Matches bytes, and the newline before: five times as fast as `^` on text.
CLASS = re.compile(rb"\n(?:class |[a-z_]+\(\s*\")([A-Z][\w>]*)[(\"]")

# Modules of the ops of tensorflow-text and TensorFlow Decision Forests, which are in graphs, but not in tf.raw_ops.
OF_PACKAGES = ("penstock._src.ops.text.", "penstock._src.ops.trees.decision_forests")
# Ops that TensorFlow does not offer by themselves, but writes into graphs: {op: module}.
INTERNAL = {"_EagerConst": "penstock._src.ops.array.identity"}


@functools.cache
def index() -> dict[str, str]:
    """Returns {op: module} of every op class below `ops/`."""
    # Files of the folder itself hold what families share.
    paths = {name: path for name, path in names_in(FOLDER, CLASS).items() if "/" in path}
    modules = {p: p.removesuffix(".py").replace("/", ".") for p in set(paths.values())}
    return {name: f"penstock._src.ops.{modules[path]}" for name, path in paths.items()}


def raw_names() -> list[str]:
    """Returns the names of the ops in tf.raw_ops, and of others that TensorFlow itself defines."""
    return sorted(name for name, module in index().items() if not module.startswith(OF_PACKAGES))


def lookup(name: str) -> type[Op] | None:
    """Returns the op class called `name`, or None."""
    cls = OPS.get(name)
    if cls is None:
        module = index().get(name) or INTERNAL.get(name)
    elif _is_being_imported(cls.__module__):
        module = cls.__module__
    else:
        return cls
    if module is not None:
        with collector.paused(lasting=True):
            importlib.import_module(module)  # waits if another thread is importing it
    return OPS.get(name)


def _is_being_imported(module: str) -> bool:
    """True while a module is imported: what its classes refer to may not be there yet."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return getattr(spec, "_initializing", False)


def find(name: str) -> type[Op]:
    """Returns the op class of that name.

    Raises:
      UnimplementedError: there is none.
    """
    cls = lookup(name)
    if cls is None:
        raise UnimplementedError(f"{name}: this operation is not implemented.")
    return cls


def load_all() -> dict[str, type[Op]]:
    """Loads every family and returns {name: class}, without the ops that others have registered."""
    own = index()
    for module in sorted(set(own.values())):
        importlib.import_module(module)
    return {name: op for name, op in OPS.items() if name in own}


class RawOps:
    """`raw.<Op>` is a function that runs the op in the current context."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        function = make_function(find(name))
        setattr(self, name, function)
        return function


# Each op gets a function with its inputs as parameters, so that Python itself binds the arguments. `quick` is None, or native code
# that makes the calls it knows and gives None for others: see eager/execute.py.
FUNCTION_LINE = sys._getframe().f_lineno
FUNCTION = """
def {op}({parameters}*, name=None, **attrs):
    if quick is not None:
        result = quick(attrs, {parameters})
        if result is not None:
            return result
    graph = STATE.graph
    if graph is None:
        return slots.RUN_EAGERLY(cls, ({parameters}), attrs)
    return graph.execute(cls, ({parameters}), attrs, name)
"""


def make_function(cls: type[Op]) -> Callable[..., Any]:
    """Returns the function of an op: its inputs, then its attributes, then `name`."""
    parameters = "".join(f"{argument.name}, " for argument in cls.inputs)
    name = cls.op_type.replace(">", "")  # of a namespace
    text = FUNCTION.format(op=name, parameters=parameters)
    scope: dict[str, Any] = {"STATE": dispatch.STATE, "slots": slots, "cls": cls}
    scope["quick"] = cls.quick
    cls.scopes.append(scope)
    # Frames of the function show the template in this file, and count as library code.
    exec(compile("\n" * FUNCTION_LINE + text, __file__, "exec"), scope)
    call: Any = scope[name]
    if cls.definition.raw_names or cls.definition.raw_defaults:
        call = _as_raw_op(call, cls.definition.raw_names, cls.definition.raw_defaults)
    call.__module__, call.__doc__ = __name__, cls.__doc__
    call.__signature__ = raw_signature(cls)
    return call


def _as_raw_op(
    call: Callable[..., Any], renamed: dict[str, str], defaults: dict[str, Any]
) -> Callable[..., Any]:
    """Returns `call` with some attributes renamed or with other defaults."""

    @functools.wraps(call)
    def raw_op(*inputs: Any, **attrs: Any) -> Any:
        attributes = {renamed.get(key, key): value for key, value in attrs.items()}
        return call(*inputs, **{**defaults, **attributes})

    return raw_op


def raw_signature(cls: type[Op]) -> inspect.Signature:
    """Returns the signature that `tf.raw_ops` shows: inputs, required and optional attributes."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    inferred = inferred_attributes(cls)
    parameters = [inspect.Parameter(a.name, kind) for a in cls.inputs]
    shown_as = {attr: name for name, attr in cls.definition.raw_names.items()}
    defaults = {**cls.attributes, **cls.definition.raw_defaults}
    attrs = [(shown_as.get(n, n), d) for n, d in defaults.items() if n not in inferred]
    for name, default in sorted(attrs, key=lambda item: item[1] is not REQUIRED):
        shown = inspect.Parameter.empty if default is REQUIRED else default
        parameters.append(inspect.Parameter(name, kind, default=_shown(shown)))
    parameters.append(inspect.Parameter("name", kind, default=None))
    return inspect.Signature(parameters)


def _shown(default: Any) -> Any:
    if isinstance(default, tuple):
        return [_shown(value) for value in default]
    if isinstance(default, TensorShape):
        return None if default.rank is None else default.as_list()
    if isinstance(default, bytes):
        return default.decode()
    return short(default) if isinstance(default, float) else default


def short(number: float) -> float | int:
    """Returns the shortest number that is equal in float32, as signatures show it: 1e-05, 0."""
    if not math.isfinite(number):
        return number
    near = float(f"{number:.7g}")
    return int(near) if near.is_integer() else near


def inferred_attributes(cls: type[Op]) -> set[str]:
    """Returns the attributes that are inferred from the inputs."""
    names: set[str] = set()
    for argument in cls.inputs:
        names |= {argument.type_attr or "", argument.number_attr or ""}
        names.add(argument.type_list_attr or "")
    return names - {""}


raw = RawOps()
