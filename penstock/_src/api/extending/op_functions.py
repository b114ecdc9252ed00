"""Public functions that only pass their arguments to a raw op: one table row each.

    __getattr__ = op_functions(
        globals(),
        unary='''
    exp math.exp = Exp(x)
        e ** x.
    ''')

makes `exp(x, name=None)` of the module call `raw.Exp(x=x, name=name)`, on first use. A row consists of:

- the public names; the prefix `+` makes a name `compat.v1` only, the prefix `-` TensorFlow 2 only. The last component of
  the first name is the function's name in its module.
- the op and the function's parameters, as a Python function has them; `bands: matrix` goes to the op's `matrix`, any
  other expression after the colon is what the op's argument of that name gets: `axis: -1 if axis is None else axis`.
  Items after a `*` are not parameters but arguments that the op always gets. `name=None` is appended if missing.
- the name scope of the op in graphs, if any: `in spence`, or `as range` if it is the op's own name too.
- the docstring, indented below.

The keyword is the kind of dispatch on other types: `unary`, `binary` and `dispatchable` as in `dispatch.py`, `plain` not at
all. What an op gets follows from the arguments' types alone, so that native code may make the calls (`direct` of `dispatchable`).
"""

import ast
import re
import textwrap
from collections.abc import Callable
from typing import Any

from penstock._src.api.extending.dispatch import binary, dispatchable, unary
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export_by_name

_DECORATORS: dict[str, Callable[..., Any] | None] = {
    "unary": unary,
    "binary": binary,
    "dispatchable": dispatchable,
    "plain": None,
}
# Meaning of the word before a row's scope.
_SCOPES = {"in": "scope", "as": "named"}
# Names that rows may use, even if nothing else in their module does.
_NAMES = {"raw": raw, "dtypes": dtypes, "convert_to_tensor": convert_to_tensor}


@dataclass(frozen=True)
class OpFunction:
    """A function that passes its arguments to an op. `call` is `Op(parameters)`; `scope` is the decorator's scope option."""

    names: tuple[str, ...]
    call: str
    scope: dict[str, str]
    documentation: str

    @property
    def name(self) -> str:
        """The function's name in its module."""
        return self.names[0].rpartition(".")[2].lstrip("+-")

    def make(self, scope: dict[str, Any]) -> Callable[..., Any]:
        """Returns the function as if it were defined in the module with globals `scope`."""
        op, _, parameters = self.call.removesuffix(")").partition("(")
        definition = ast.parse(f"def {self.name}({parameters}): pass").body[0]
        assert isinstance(definition, ast.FunctionDef)
        arguments = definition.args
        if all(a.arg != "name" for a in arguments.args):
            arguments.args.append(ast.arg("name"))
            arguments.defaults.append(ast.Constant(None))
        fixed = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        passed = [f"{argument.arg}={ast.unparse(value)}" for argument, value in fixed if value]
        arguments.kwonlyargs, arguments.kw_defaults = [], []
        for argument in arguments.args:
            to, argument.annotation = argument.annotation, None
            if isinstance(to, ast.Name):
                passed.append(f"{to.id}={argument.arg}")
            else:
                passed.append(f"{argument.arg}={ast.unparse(to) if to else argument.arg}")
        header = f"def {self.name}({ast.unparse(arguments)}):"
        namespace: dict[str, Any] = {}
        text = f"{header}\n    return raw.{op}({', '.join(passed)})\n"
        scope.update(_NAMES | scope)
        exec(compile(text, f"{scope['__file__']}:generated", "exec"), scope, namespace)
        function = namespace[self.name]
        function.__doc__ = self.documentation
        return function


def op_functions(scope: dict[str, Any], **kinds: str) -> Callable[[str], Any]:
    """Exports the functions of some rows; returns the `__getattr__` of the module with globals `scope`."""
    rows: dict[str, tuple[OpFunction, Callable[..., Any] | None]] = {}
    for kind, text in kinds.items():
        for row in map(_parse, re.split(r"\n(?=\S)", text.strip())):
            rows[row.name] = row, _DECORATORS[kind]
            v2 = [name.lstrip("-") for name in row.names if not name.startswith("+")]
            v1 = [name.lstrip("+") for name in row.names if not name.startswith("-")]
            export_by_name(scope["__name__"], row.name, v2, v1)

    def __getattr__(name: str) -> Any:
        if name not in rows:
            raise AttributeError(f"module {scope['__name__']!r} has no attribute {name!r}")
        row, decorate = rows[name]
        made = row.make(scope)
        function = scope[name] = (
            made if decorate is None else decorate(**row.scope, direct=True)(made)
        )
        return function

    return __getattr__


def _parse(text: str) -> OpFunction:
    """Parses a row: the first line has names and call, the rest is the docstring."""
    line, _, documentation = text.partition("\n")
    names, _, call = line.partition(" = ")
    call, closing, scope = call.rpartition(")")
    word, _, name = scope.strip().partition(" ")
    scopes = {_SCOPES[word]: name} if name else {}
    text = textwrap.dedent(documentation).strip()
    return OpFunction(tuple(names.split()), call + closing, scopes, text)
