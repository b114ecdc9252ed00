"""The stub of a function."""

import contextlib
import inspect
import re
import types
from typing import Any

from . import knowledge
from .spelling import Speller, spelled
from .tree import Tree

INDENT = "    "
TENSORS = {"TensorLike": "DenseLike", "NumericLike": "DenseNumericLike"}
# Functions that return a linear operator of one.
OF_LINEAR_OPERATORS = ("adjoint", "cholesky", "inv")
# Parameters that take a list of tensors.
LISTS = ("values", "inputs")
SHOWN = (bool, int, str, bytes, type(None))


def summary(held: Any) -> str:
    """The first sentence of a docstring, as the body of a stub; Keras's are Keras's own."""
    if (getattr(held, "__module__", None) or "").startswith("keras."):
        return ""
    text = (getattr(held, "__doc__", None) or "").strip()
    line = text.split("\n\n")[0].replace("\n", " ") if text else ""
    line = re.sub(r"\s+", " ", line)
    line = line.replace("\\", "\\\\").replace('"""', "'''")
    if not line:
        return ""
    return f'"""{line}{" " if line.endswith(chr(34)) else ""}"""'


def signature_of(function: Any) -> inspect.Signature:
    """The signature, also of functions that hide theirs because TensorFlow's are native code."""
    shown = inspect.signature(function)
    if shown.parameters or not isinstance(function, types.FunctionType):
        return shown
    if function.__closure__ is not None:
        return shown
    plain = types.FunctionType(function.__code__, function.__globals__, function.__name__)
    plain.__defaults__, plain.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    plain.__annotations__ = function.__annotations__
    return inspect.signature(plain)


def default_text(default: Any, speller: Speller, members: frozenset[str]) -> str:
    """A default value as stubs show it."""
    if isinstance(default, SHOWN) and not isinstance(default, type) and type(default) in SHOWN:
        return repr(default)
    if type(default) is float and abs(default) < float("inf"):
        return repr(default)
    if type(default).__name__ == "DType" and default.name in speller.tree.modules[""]:
        held = speller.tree.modules[""][default.name]
        if type(held).__name__ == "DType":
            return (
                speller.imported("penstock", default.name, members)
                if speller.module
                else default.name
            )
    if type(default) in (list, tuple) and all(type(part) in (int, float, str) for part in default):
        return repr(default)
    return "..."


def _contradicts(kind: str, default: Any) -> bool:
    """True if a default shows that a parameter means something else than its name does elsewhere."""
    taken = {
        "str": (str,),
        "bool": (bool,),
        "int": (int,),
        "float": (int, float),
        "DTypeLike": (str,),
    }
    if kind not in taken or default is None or default is inspect.Parameter.empty:
        return False
    return type(default) in (bool, int, float, str, tuple, list) and not isinstance(
        default, taken[kind]
    )


def _by_default(default: Any) -> str:
    """The type of a parameter of which nothing but the default is known."""
    if isinstance(default, bool):
        return "bool"
    kinds = {int: "IntLike", float: "FloatLike", str: "str"}
    return kinds.get(type(default), "Any")


def parameter_type(
    parameter: inspect.Parameter, paths: list[str], tree: Tree, scope: dict[str, Any]
) -> str:
    """The type of a parameter: what the source says, else what the tables know, else what the default tells."""
    found = spelled(parameter.annotation, tree, scope)
    if found is None:
        found = knowledge.parameter_type(paths, parameter.name)
        if found is None or _contradicts(found, parameter.default):
            of_keras = paths[0].startswith("keras.") and not isinstance(parameter.default, bool)
            found = "Any" if of_keras else _by_default(parameter.default)
    is_required = parameter.default is inspect.Parameter.empty
    if found == "bool" and is_required and spelled(parameter.annotation, tree, scope) is None:
        return "Any"
    takes_none = parameter.default is None or (found == "DTypeLike" and not is_required)
    if takes_none and "None" not in found and found != "Any":
        found = f"{found} | None"
    return found


def parameters_text(
    signature: inspect.Signature,
    paths: list[str],
    speller: Speller,
    scope: dict[str, Any],
    members: frozenset[str] = frozenset(),
    override: dict[str, str] | None = None,
    bound: bool = False,
) -> str:
    """The parameters between the parentheses; of a method (`bound`), the first one has no type."""
    words: list[str] = []
    kinds = inspect.Parameter
    starred = False
    listed = list(signature.parameters.values())
    for index, parameter in enumerate(listed):
        before = listed[index - 1].kind if index else None
        if before is kinds.POSITIONAL_ONLY and parameter.kind is not kinds.POSITIONAL_ONLY:
            words.append("/")
        if parameter.kind is kinds.KEYWORD_ONLY and not starred:
            words.append("*")
            starred = True
        starred |= parameter.kind is kinds.VAR_POSITIONAL
        star = {kinds.VAR_POSITIONAL: "*", kinds.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        if bound and index == 0:
            words.append(star + parameter.name)
            continue
        kind = (override or {}).get(parameter.name)
        kind = kind or parameter_type(parameter, paths, speller.tree, scope)
        word = f"{star}{parameter.name}: {speller.text(kind, members)}"
        if parameter.default is not kinds.empty:
            word += f" = {default_text(parameter.default, speller, members)}"
        words.append(word)
    if listed and listed[-1].kind is kinds.POSITIONAL_ONLY:
        words.append("/")
    return ", ".join(words)


def is_context_manager(function: Any) -> bool:
    """True if a function is made by `contextlib.contextmanager`."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == contextlib.__file__


def result_text(
    function: Any, signature: inspect.Signature, paths: list[str], tree: Tree, scope: Any
) -> str:
    """The type of the result, in the words of the tables."""
    own = knowledge.result_type(paths)
    if is_context_manager(function):
        return "ContextManager[Any]"
    return spelled(signature.return_annotation, tree, scope) or own or "Any"


def is_elementwise(function: Any) -> tuple[bool, bool]:
    """True if a function is elementwise in one tensor, and in two."""
    from penstock._src.api.extending import dispatch

    return any(f is function for f in dispatch.UNARY), any(f is function for f in dispatch.BINARY)


def takes_ragged(function: Any) -> bool:
    """True if a function takes ragged tensors, or linear operators, by an implementation for them."""
    from penstock._src.api.ragged_overrides import table

    return function in table.OF_RAGGED or function.__name__ in OF_LINEAR_OPERATORS


def function_text(name: str, function: Any, paths: list[str], speller: Speller) -> str:
    """The definition of a public function, with an overload for composite tensors where it takes them."""
    signature = signature_of(function)
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    result = result_text(function, signature, paths, speller.tree, scope)

    document = summary(function)
    body = f"\n{INDENT}{document}" if document else "..."
    variants: list[tuple[dict[str, str], str]] = [({}, result)]
    if result == "Tensor":
        variants = _variants(function, signature, paths, speller.tree)
    lines = []
    for index, (override, returned) in enumerate(variants):
        inside = parameters_text(signature, paths, speller, scope, override=override)
        mark = f"@{speller.text('overload')}\n" if len(variants) > 1 else ""
        shown = "..." if index else body
        lines.append(f"{mark}def {name}({inside}) -> {speller.text(returned)}: {shown}\n")
    return "".join(lines)


def _variants(
    function: Any, signature: inspect.Signature, paths: list[str], tree: Tree
) -> list[tuple[dict[str, str], str]]:
    """The overloads of a function that returns a Tensor of tensors, but takes ragged and other composite ones: types of parameters
    and of the result."""
    unary, binary = is_elementwise(function)
    first_two = list(signature.parameters.values())[: 1 if unary else 2]
    required = [p for p in first_two if p.default is inspect.Parameter.empty]
    kinds = {p.name: parameter_type(p, paths, tree, {}) for p in required}
    dense = {name: TENSORS[kind] for name, kind in kinds.items() if kind in TENSORS}
    if unary or binary:
        composite = [({name: "CompositeT"}, "CompositeT") for name in dense]
    elif takes_ragged(function) and first_two[0].name in LISTS:
        return [({first_two[0].name: "Sequence[Composite]"}, "Any"), ({}, "Tensor")]
    elif takes_ragged(function):
        composite = [({name: "Composite"}, "Any") for name in dense]
    else:
        return [({}, "Tensor")]
    return [(dense, "Tensor"), *composite]
