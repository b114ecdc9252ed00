"""The rows of the table, and the functions created from them.

In: the name of a function of TensorFlow 2 (or of a raw op), the names in `tf.compat.v1`, and the parameters there. Out: a
  function with TensorFlow 1's signature that calls it. Functions are created on first access, so that the table imports
  nothing.
"""

import ast
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from penstock._src.api.extending.dispatch import add_dispatch_support
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.signatures import taking

from .arguments import both_given


@dataclass(frozen=True)
class Row:
    """A function of TensorFlow 1 that differs from one of TensorFlow 2 only by its parameters.

    Args:
      target: the function, by its path below `api/` (with a dot before it, below `_src/`), or `raw.` and an op.
      names: in `tf.compat.v1`.
      parameters: words in TensorFlow 1's order. `axis` goes to the target's parameter of that name, `filter:kernel` to another one. An
        older name of an argument is written before the newer one, `dim>axis`. `-optimize` has no effect; `+sparse=True` is given by the
        row alone. Defaults are those of the target unless one is written (`axis=0`) or none (`axis=`); older names have None.
    """

    target: str
    names: tuple[str, ...]
    parameters: str

    def make(self, module: str, attribute: str) -> Callable[..., Any]:
        """Creates the function as the `attribute` of a module."""
        target = _find(self.target)
        defaults = {n: p.default for n, p in inspect.signature(target).parameters.items()}
        written = self.parameters.split()
        words = [_parse(word, defaults) for word in written if word[0] != "+"]
        fixed = [word[1:].split("=") for word in written if word[0] == "+"]
        by_the_row = {name: _value(text) for name, text in fixed}
        passed = [n for n, w in enumerate(words) if w.goes_to and not w.older_than]
        newer = {words[n].name: words[n].goes_to for n in passed}
        steps = [(n, words[n].goes_to, "", "") for n in passed]
        steps += [
            (n, newer.get(w.older_than, w.older_than), w.name, w.older_than)
            for n, w in enumerate(words)
            if w.older_than
        ]
        required = [to for _, to, _, _ in steps if defaults[to] is inspect.Parameter.empty]

        def call(values: tuple[Any, ...]) -> Any:
            arguments = dict(by_the_row)
            for place, to, older, name in steps:
                value = values[place]
                if value is None and words[place].default is None:  # the target's own default
                    continue
                if older and to in arguments:
                    raise both_given(older, name)
                arguments[to] = value
            for to in required:
                arguments.setdefault(to, None)
            return target(**arguments)

        function = _bind(self.names[0].rpartition(".")[2], words, call)
        function.__module__, function.__qualname__ = module, attribute
        function.__doc__ = _describe(target, words)
        # Then it dispatches by its own name as well.
        if hasattr(target, "_tf_fallback_dispatchers"):
            return add_dispatch_support(function)
        return function


class _Word(NamedTuple):
    """A parameter: its default, and the target's parameter or the newer name that it maps to."""

    name: str
    default: Any
    goes_to: str = ""
    older_than: str = ""


def _parse(word: str, defaults: Mapping[str, Any]) -> _Word:
    names, has_default, text = word.partition("=")
    if names.startswith("-"):
        return _Word(names[1:], _value(text))
    name, is_older, newer = names.partition(">")
    if is_older:
        return _Word(name, _value(text) if has_default else None, older_than=newer)
    name, _, to = name.partition(":")
    to = to or name
    return _Word(name, _value(text) if has_default else defaults[to], to)


def _value(text: str) -> Any:
    """Parses a default of the table: a literal, a dtype, or nothing."""
    if not text:
        return inspect.Parameter.empty
    return getattr(dtypes, text) if hasattr(dtypes, text) else ast.literal_eval(text)


def _find(path: str) -> Callable[..., Any]:
    module, _, attribute = path.rpartition(".")
    if module == "raw":
        return getattr(raw, attribute)
    below = module if module.startswith(".") else f".api.{module}"
    return getattr(importlib.import_module(f"penstock._src{below}"), attribute)


def _bind(name: str, words: list[_Word], call: Callable[..., Any]) -> Callable[..., Any]:
    """Creates a function with these parameters that passes their values to `call`."""
    required = inspect.Parameter.empty
    parameters = [
        w.name if w.default is required else f"{w.name}=_{n}" for n, w in enumerate(words)
    ]
    defaults = {f"_{n}": w.default for n, w in enumerate(words)}
    return taking(", ".join(parameters), name, call, defaults)


def _describe(target: Callable[..., Any], words: list[_Word]) -> str:
    """The target's first paragraph, and notes on parameters that are older names or have no effect."""
    text, _, _ = inspect.getdoc(target).partition("\n\n")  # type: ignore[union-attr]
    notes = [f"`{w.name}` is an older name of `{w.older_than}`." for w in words if w.older_than]
    unused = [f"`{w.name}`" for w in words if not w.older_than and not w.goes_to]
    if unused:
        notes.append(f"Without effect: {', '.join(unused)}.")
    return "\n".join([text, *(["", *notes] if notes else [])])
