"""Types as text: annotations of the sources spelled with public names, and the names that a module must import for them."""

import inspect
import re
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from .tree import Tree

IDENTIFIER = re.compile(r"'[^']*'|\"[^\"]*\"|(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
BUILTINS = frozenset(
    "bool bytes complex dict float frozenset int list object range set slice str tuple type "
    "Exception RuntimeError TypeError ValueError property".split()
)
# Where the words that types are made of come from.
TYPING = {
    **dict.fromkeys(
        "Any ClassVar Generic Literal NamedTuple NoReturn ParamSpec Self TypeVar overload".split(),
        "typing",
    ),
    **dict.fromkeys(
        "Callable Iterable Iterator Mapping Sequence Generator".split(), "collections.abc"
    ),
    **dict.fromkeys("ContextManager".split(), "typing"),
    **dict.fromkeys("Enum IntEnum".split(), "enum"),
    "TracebackType": "types",
    "TestCase": "unittest",
}
# The aliases of penstock/_typing.pyi.
ALIASES = frozenset(
    "TensorLike NumericLike DenseLike DenseNumericLike DTypeLike ShapeLike Axis Axes IntLike FloatLike "
    "BoolLike PathLike "
    "Composite CompositeT Function P R TracedFunction FunctionDecorator TopKV2 Unique UniqueWithCounts "
    "Qr Lu Message Scalar".split()
)
TRIVIAL = {"np", "numpy"}


@dataclass
class Speller:
    """The names of one module: what it defines, and what its types import."""

    tree: Tree
    module: str
    taken: frozenset[str]
    imports: dict[tuple[str, str], str] = field(default_factory=dict)
    needs_builtins: bool = False
    needs_numpy: bool = False

    def text(self, spelled: str, members: frozenset[str] = frozenset()) -> str:
        """The type with the names of this module, in a class with such `members`."""
        return IDENTIFIER.sub(lambda found: self._word(found.group(), members), spelled)

    def _word(self, word: str, members: frozenset[str]) -> str:
        if word[0] in "'\"":
            return word
        first = word.partition(".")[0]
        if first in TRIVIAL:
            self.needs_numpy = True
            return "np" + word[len(first) :]
        if word == "None" or word in BUILTINS:
            if word in self.taken or word in members:
                self.needs_builtins = True
                return f"builtins.{word}"
            return word
        if word in ALIASES:
            return self.imported("penstock._typing", word, members)
        if word in TYPING:
            return self.imported(TYPING[word], word, members)
        if word.startswith("tf."):
            return self.public(word[3:], members)
        if word in self.tree.modules[""]:
            return self.public(word, members)
        raise LookupError(f"{word}: no such type is known to the stubs")

    def public(self, path: str, members: frozenset[str] = frozenset()) -> str:
        """The name of the object at a public path."""
        home = self.tree.home(self.tree.objects[path]) or path
        module, _, name = home.rpartition(".")
        if module == self.module and name not in members:
            return name
        return self.imported(f"penstock.{module}" if module else "penstock", name, members)

    def imported(self, module: str, name: str, members: frozenset[str] = frozenset()) -> str:
        """The local name of something imported."""
        key = (module, name)
        local = self.imports.get(key, name)
        hidden = self.taken | members | BUILTINS
        while local in hidden or self._is_other(local, key):
            local = f"_{local}"
        self.imports[key] = local
        return local

    def _is_other(self, local: str, key: tuple[str, str]) -> bool:
        """True if another object is imported under a name."""
        return any(name == local and other != key for other, name in self.imports.items())

    def import_lines(self) -> list[str]:
        """The imports that the module's types need."""
        by_module: dict[str, list[str]] = {}
        for (module, name), local in self.imports.items():
            word = name if name == local else f"{name} as {local}"
            by_module.setdefault(module, []).append(word)
        lines = [f"from {m} import {', '.join(sorted(n))}" for m, n in sorted(by_module.items())]
        lines += ["import builtins"] * self.needs_builtins
        return lines + ["import numpy as np"] * self.needs_numpy


def spelled(annotation: Any, tree: Tree, scope: dict[str, Any] | None = None) -> str | None:
    """The text of an annotation in public names; None if it says nothing."""
    if annotation in (inspect.Parameter.empty, Any):
        return None
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, scope or {})
        except Exception:  # names that only type checkers import
            return None
        return spelled(annotation, tree)
    text = _spell(annotation, tree)
    return None if text == "Any" else text


def _spell(annotation: Any, tree: Tree) -> str:
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Any or annotation is inspect.Parameter.empty:
        return "Any"
    if annotation is typing.Self:
        return "Self"
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, (str, typing.ForwardRef, typing.TypeVar)):
        return _named(annotation, tree)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        parts = list(dict.fromkeys(_spell(a, tree) for a in arguments))
        return "Any" if "Any" in parts else " | ".join(parts)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None and origin.__name__ == "Callable":
        return _spell_callable(arguments, tree)
    if origin is not None:
        inner = ", ".join(_spell(a, tree) for a in arguments)
        outer = _spell_class(origin, tree)
        plain = outer == "Any" or outer.startswith("tf.") or not inner
        return outer if plain else f"{outer}[{inner}]"
    return _spell_class(annotation, tree) if inspect.isclass(annotation) else "Any"


def _named(annotation: Any, tree: Tree) -> str:
    """A class that is given by its own name, in quotes."""
    name = getattr(annotation, "__forward_arg__", annotation)
    if not isinstance(name, str) or name not in tree.modules[""]:
        return "Any"
    return name if inspect.isclass(tree.modules[""][name]) else "Any"


def _spell_callable(arguments: tuple[Any, ...], tree: Tree) -> str:
    if not arguments:
        return "Callable[..., Any]"
    taken = arguments[0]
    inside = "..." if taken is Ellipsis else f"[{', '.join(_spell(a, tree) for a in taken)}]"
    return f"Callable[{inside}, {_spell(arguments[1], tree)}]"


def _spell_class(held: type, tree: Tree) -> str:
    """A class by its public name, or by that of its nearest public base."""
    if held.__module__ == "builtins" and held.__name__ in BUILTINS:
        return held.__name__
    if held.__module__ in ("typing", "collections.abc", "contextlib"):
        name = {"AbstractContextManager": "ContextManager"}.get(held.__name__, held.__name__)
        return name if name in TYPING else "Any"
    if held.__module__ == "numpy":
        return {"ndarray": "np.ndarray", "dtype": "np.dtype", "generic": "np.generic"}.get(
            held.__name__, "Any"
        )
    for base in held.__mro__:
        home = tree.home(base)
        if home is not None and (base is held or not home.startswith("__")):
            return f"tf.{home}"
    return "Any"
