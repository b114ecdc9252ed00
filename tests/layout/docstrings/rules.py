"""What a complete docstring holds, and which public symbols lack it.

`docstrings/tiers.txt` names the symbols that guides, tutorials and libraries use most, `docstrings/methods.txt` the public
methods of classes among them, as TensorFlow has them. These need an example, too; the other symbols need none.
`python -m tests.layout.docstrings.rules` prints what is lacking.
"""

import ast
import enum
import functools
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock import _src
from penstock._src.util import export

DATA = Path(__file__).resolve().parent
# Parameters whose meaning is the same everywhere need no words, or are the object itself.
SILENT = {"self", "cls"}
ARGUMENT = re.compile(r"^  (\*{0,2}\w+(?:,\s+\*{0,2}\w+)*):", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Symbols that only raise an error need no more than a summary.
MISSING = "penstock._src.api.missing."


def load_definitions() -> None:
    """Imports everything, so that the table of exports is complete."""
    for info in pkgutil.walk_packages(_src.__path__, "penstock._src."):
        importlib.import_module(info.name)


def names(file: str) -> list[str]:
    """The names in a file of `docstrings/`, one in each line."""
    return (DATA / file).read_text().split()


@functools.cache
def methods_of_classes() -> dict[str, list[str]]:
    """The public methods of each class."""
    rows = (line.split(": ") for line in (DATA / "methods.txt").read_text().splitlines())
    return {name: methods.split() for name, methods in rows}


def definition(name: str) -> Any:
    """The object behind the public name `tf.…`."""
    entry = export.V2[name.removeprefix("tf.")]
    held = importlib.import_module(entry.module)
    for part in entry.attribute.split("."):
        held = getattr(held, part)
    return held


def lacking() -> dict[str, list[str]]:
    """What the docstrings of public symbols lack, for those that lack anything."""
    named = set(names("tiers.txt"))
    public = sorted(named | {f"tf.{key}" for key in export.V2})
    return {name: found for name in public if (found := gaps(name, name in named))}


def gaps(name: str, needs_example: bool) -> list[str]:
    """What the docstring of a public symbol lacks; constants have none and lack nothing."""
    held = definition(name)
    if not callable(held) or typing.get_origin(held) is not None:
        return []
    if inspect.isclass(held) and held.__module__ == "numpy":
        return []
    if export.V2[name.removeprefix("tf.")].module.startswith(MISSING):
        return list(_gaps_of_summary(inspect.cleandoc(held.__doc__ or "")))
    found = list(_gaps_of_class(name, held) if inspect.isclass(held) else gaps_of_function(held))
    has_example = ">>> " in (held.__doc__ or "")
    return found if has_example or not needs_example else [*found, "example"]


def gaps_of_function(function: Any, documentation: str | None = None) -> Iterator[str]:
    """What the docstring of a function or method lacks, apart from an example."""
    text = inspect.cleandoc(documentation if documentation is not None else function.__doc__ or "")
    yield from _gaps_of_summary(text)
    described = _described(text)
    yield from (f"Args: {name}" for name in _parameters(function) if name not in described)
    node = _source(function)
    if _returns(function, node) and "Returns:" not in text and "Yields:" not in text:
        yield "Returns"
    if node is not None and raises(node) and "Raises:" not in text:
        yield "Raises"


def _gaps_of_class(public: str, cls: type) -> Iterator[str]:
    text = inspect.cleandoc(cls.__doc__ or "")
    yield from _gaps_of_summary(text)
    if hasattr(cls, "DESCRIPTOR") or issubclass(cls, enum.Enum):
        return
    described = _described(text) | _described(inspect.cleandoc(cls.__init__.__doc__ or ""))
    if _is_own(cls.__init__) or _is_own(cls.__new__) or hasattr(cls, "_fields"):
        yield from (f"Args: {name}" for name in _parameters(cls) if name not in described)
    for name in methods_of_classes().get(public) or _own_methods(public, cls):
        lacking = list(_gaps_of_method(cls, name))
        if lacking:
            yield f"{name}({'; '.join(lacking)})"


def _own_methods(public: str, cls: type) -> list[str]:
    """The public methods of a class that `methods.txt` does not name; those of `tf.__internal__` are for Keras alone."""
    if public.startswith("tf.__internal__."):
        return []
    members = inspect.getmembers_static(cls, lambda held: _is_own(getattr(held, "__func__", held)))
    functions = [
        name for name, held in members if inspect.isroutine(getattr(held, "__func__", held))
    ]
    return [name for name in functions if not name.startswith("_")]


def _gaps_of_method(cls: type, name: str) -> Iterator[str]:
    """What a method's docstring lacks that those of the base classes' methods of this name lack too."""
    members = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
    functions = [getattr(member, "__func__", member) for member in members]
    own = [f for f in functions if inspect.isfunction(f) and _is_own(f)]
    if own and own[0] is functions[0] and not own[0].__doc__:
        yield "summary of one line"
    elif own and own[0] is functions[0]:
        found = [list(gaps_of_function(own[0], f.__doc__ or "")) for f in own if f.__doc__]
        yield from (gap for gap in found[0] if all(gap in other for other in found))


def _is_own(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("penstock.")


def _gaps_of_summary(text: str) -> Iterator[str]:
    first, _, rest = text.partition("\n")
    if not first.rstrip().endswith(".") or rest.partition("\n")[0].strip():
        yield "summary of one line"


def _described(text: str) -> set[str]:
    """The names that the part "Args:" of a docstring explains."""
    _, found, rest = text.partition("Args:\n")
    part = re.split(r"^\S", rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""
    named = ",".join(match.group(1) for match in ARGUMENT.finditer(part))
    return {name.strip().lstrip("*") for name in named.split(",")}


def _parameters(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters
        if inspect.isclass(function) and list(parameters) == ["args", "kwargs"]:
            parameters = inspect.signature(function.__init__).parameters  # type: ignore[misc]
    except (TypeError, ValueError):
        return []
    return [n for n in parameters if n not in SILENT and not n.startswith("_")]


@functools.cache
def _definitions(module: str) -> dict[str, Function]:
    """The functions and methods of a module by their qualified names."""
    path = sys.modules[module].__file__
    assert path is not None
    found: dict[str, Function] = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, Function):
                found.setdefault(prefix + node.name, node)
            elif isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")

    visit(ast.parse(Path(path).read_text()).body, "")
    return found


def _source(function: Any) -> Function | None:
    """The definition of a function; None for one that a table makes."""
    bare = inspect.unwrap(function)
    return _definitions(bare.__module__).get(getattr(bare, "__qualname__", ""))


def _returns(function: Any, node: Function | None) -> bool:
    if node is None:
        annotations = getattr(inspect.unwrap(function), "__annotations__", {})
        return annotations.get("return") not in ("NoReturn", typing.NoReturn)
    for part in _own_nodes(node):
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(part, ast.Return) and part.value is not None:
            if not (isinstance(part.value, ast.Constant) and part.value.value is None):
                return not _is_declared_none(node)
    return False


def _is_declared_none(node: Function) -> bool:
    return isinstance(node.returns, ast.Constant) and node.returns.value is None


def raises(node: Function) -> bool:
    """True if the function itself raises; abstract methods and re-raised errors do not count."""
    raised = [p.exc for p in _own_nodes(node) if isinstance(p, ast.Raise) and p.exc is not None]
    return any("NotImplementedError" not in ast.unparse(error) for error in raised)


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (Function, ast.Lambda, ast.ClassDef)):
            yield child
            yield from _own_nodes(child)


def main() -> None:
    load_definitions()
    for name, found in lacking().items():
        print(f"{name}: {', '.join(found)}")


if __name__ == "__main__":
    main()
