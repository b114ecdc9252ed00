"""The API reference: a page for each public namespace, made from the export table.

Penstock's public packages import a name on first use, and many functions are made from rows of tables, so nothing can be read
from the source of `penstock/nn/__init__.py`, as mkdocstrings reads it. These pages ask the objects themselves: their signatures, their
docstrings, and their other public names.
"""

import functools
import importlib
import inspect
import re
from typing import Any

from penstock._src.util import export
from tools import gen_api
from tools.site import docstrings

# Of Keras, TensorFlow's tests and other internals.
_HIDDEN = ("__internal__", "__operators__")
_WIDTH = 92
_ROOT = "tf"


def pages() -> dict[str, str]:
    """Returns {address below docs/api: Markdown} of all pages."""
    made = {f"{_page_of(space)}": _page(space) for space in namespaces()}
    made["index.md"] = _index()
    made["v1.md"] = _older()
    return made


@functools.cache
def names() -> dict[str, Any]:
    """Returns {path: object} of the public names of TensorFlow 2."""
    gen_api.import_everything(strict=True)
    return {
        path: _object(entry)
        for path, entry in sorted(export.V2.items(), key=lambda item: item[0].lower())
        if not path.startswith(_HIDDEN)
    }


@functools.cache
def namespaces() -> tuple[str, ...]:
    """Returns the namespaces; "" is the root."""
    return tuple(sorted({path.rpartition(".")[0] for path in names()}))


@functools.cache
def home(path: str) -> str:
    """Returns the path under which an object is described: the first namespace that has it, the root last."""
    entry = export.V2[path]
    paths = [p for p, e in export.V2.items() if e == entry and p in names()]
    return min(paths, key=lambda p: ("experimental" in p, "." not in p, p.count("."), p))


def link(path: str) -> str | None:
    """Returns the address of a public name or namespace, for a page in docs/api; None if there is none."""
    if path in names():
        space, _, name = home(path).rpartition(".")
        anchor = f"#{_anchor(name)}" if _is_described(names()[path]) else ""
        return f"{_page_of(space)}{anchor}"
    return _page_of(path) if path in namespaces() else None


def signature(name: str, held: Any) -> str:
    """Returns a call with parameters and defaults, on several lines if it is long."""
    try:
        found = inspect.signature(held)
    except (TypeError, ValueError):
        return f"{name}(...)"
    words, star = [], False
    for parameter in found.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            words.append("*")
        star |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
        word = stars.get(parameter.kind, "") + parameter.name
        if parameter.default is not parameter.empty:
            word += f"={_default(parameter.default)}"
        words.append(word)
    line = f"{name}({', '.join(words)})"
    return line if len(line) <= _WIDTH else f"{name}(\n    " + ",\n    ".join(words) + ",\n)"


def _object(entry: export.Export) -> Any:
    held = importlib.import_module(entry.module)
    for part in entry.attribute.split("."):
        held = getattr(held, part)
    return held


def _page_of(space: str) -> str:
    return f"{space or _ROOT}.md"


def _anchor(name: str) -> str:
    return name.replace(".", "-")


def _title(space: str) -> str:
    return f"{_ROOT}.{space}" if space else _ROOT


def _page(space: str) -> str:
    here = {p: o for p, o in names().items() if p.rpartition(".")[0] == space}
    lines = [f"# {_title(space)}", "", "| name | what it is |", "|---|---|"]
    described = []
    for path, held in here.items():
        name = path.rpartition(".")[2]
        own = home(path) == path and _is_described(held)
        described += [(name, path, held)] if own else []
        target = (f"#{_anchor(name)}" if own else link(path)) if _is_described(held) else None
        title = f"[`{name}`]({target})" if target else f"`{name}`"
        lines.append(f"| {title} | {_summary(held)} |")
    for name, path, held in described:
        lines += ["", *_entry(name, path, held)]
    return "\n".join(lines) + "\n"


def _is_described(held: Any) -> bool:
    return callable(held) and bool(inspect.getdoc(held)) and hasattr(held, "__module__")


def _is_message(held: Any) -> bool:
    return hasattr(held, "DESCRIPTOR")


def _summary(held: Any) -> str:
    if _is_message(held) and not held.__doc__:
        return "A protocol buffer."
    if not _is_described(held):
        return f"`{_default(held)}`".replace("|", "\\|")
    return docstrings.inline(docstrings.summary(inspect.getdoc(held) or ""), link)


def _entry(name: str, path: str, held: Any) -> list[str]:
    lines = [f"## {name} {{ #{_anchor(name)} }}", ""]
    if _is_message(held):
        return lines + _message(path, held)
    lines += ["```python", signature(_title(path), held), "```", ""]
    others = [p for p in names() if p != path and export.V2[p] == export.V2[path]]
    if others:
        lines += ["Also " + ", ".join(f"`{_title(p)}`" for p in others) + ".", ""]
    lines += [docstrings.markdown(_documentation(held), link)]
    if inspect.isclass(held) and not issubclass(held, BaseException):
        lines += _members(name, held)
    return lines


def _documentation(held: Any) -> str:
    """Returns the docstring; of a class with the parameters that only its constructor's describes, as those that classes share."""
    text = inspect.getdoc(held) or ""
    constructor = inspect.cleandoc(held.__init__.__doc__ or "") if inspect.isclass(held) else ""
    parameters = constructor.partition("\n\nArgs:\n")[2].partition("\n\n")[0]
    if not parameters:
        return text
    lead, _, own = text.partition("\n\nArgs:\n")
    return "\n".join([lead, "", "Args:", parameters, own])


def _message(path: str, held: Any) -> list[str]:
    """Returns what is said of a protocol buffer, and its fields."""
    lines = [f"The protocol buffer `{held.DESCRIPTOR.full_name}`.", ""]
    if held.__doc__:
        lines += [docstrings.markdown(inspect.cleandoc(held.__doc__), link), ""]
    fields = getattr(held.DESCRIPTOR, "fields", ())
    return lines + [f"- `{field.name}`" for field in fields]


def _members(title: str, cls: type) -> list[str]:
    """Returns the public methods and properties that Penstock's classes give a class."""
    lines: list[str] = []
    for attribute in inspect.classify_class_attrs(cls):
        name, held = attribute.name, attribute.object
        if name.startswith("_") or attribute.defining_class is object:
            continue
        if not (attribute.defining_class.__module__ or "").startswith("penstock"):
            continue
        text = inspect.getdoc(held)
        if attribute.kind == "property":
            said = docstrings.inline(docstrings.summary(text or ""), link)
            lines += ["", f"**`{name}`**: {said or 'a property.'}"]
        elif attribute.kind != "data":
            function = getattr(cls, name)
            code = ["```python", signature(name, function), "```", ""]
            # Below the depth of the table of contents.
            lines += ["", f"#### {name} {{ #{title}.{name} }}", "", *code]
            lines += [docstrings.markdown(text or "", link)]
    return lines


def _default(value: Any) -> str:
    """Returns a default as a program would write it."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return value.__name__
    text = repr(value)
    return (
        "..." if " object at 0x" in text or len(text) > 60 else re.sub(r"<(\S+):.*>", r"\1", text)
    )


def _index() -> str:
    lines = [
        "# API",
        "",
        "Every public name of `import penstock as tf`, by namespace, from the same table as the package itself. An object with several names "
        "is described once; its other names lead there.",
        "",
        "| namespace | names |",
        "|---|---|",
    ]
    for space in namespaces():
        count = sum(path.rpartition(".")[0] == space for path in names())
        lines.append(f"| [`{_title(space)}`]({_page_of(space)}) | {count} |")
    return "\n".join(
        [
            *lines,
            "| [`tf.compat.v1`](v1.md) | TensorFlow 1 |",
            "| `tf.keras` | Keras 3 itself: [keras.io/api](https://keras.io/api/) |",
            "| `tf.raw_ops` | the operations below all others: [Ops](../ops.md) |",
            "",
        ]
    )


def _older() -> str:
    """Returns the page of the names that only `tf.compat.v1` has, or has in another form."""
    lines = [
        "# tf.compat.v1",
        "",
        "Names that TensorFlow 1 has and TensorFlow 2 does not, or has with other parameters. The other names of `tf.compat.v1` are the same "
        "objects as in `tf`.",
        "",
        "| name | what it is |",
        "|---|---|",
    ]
    for path, entry in sorted(export.V1.items()):
        if path.startswith(_HIDDEN) or export.V2.get(path) == entry:
            continue
        held = _object(entry)
        lines.append(f"| `{path}` | {_summary(held)} |")
    return "\n".join(lines) + "\n"
