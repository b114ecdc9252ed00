"""The text for a raw op, and for a public function."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pathlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Any

import penstock._src.api.load  # noqa: F401
from penstock._src.bridge import tensorflow_alias
from penstock._src.bridge.cli.arguments import Parser, Refused
from penstock._src.bridge.cli.op.calls import ops_of
from penstock._src.core import registry
from penstock._src.core.calls.attributes import REQUIRED

DESCRIPTION = """Says what an operation takes and gives, whether compiled functions run it natively, whether it has a gradient, and where it stands:
of a raw op (`penstock op MatMul`), or of a public function (`penstock op tf.nn.softmax`) with the raw ops that its code calls."""
MOST_CLOSE = 8


def main(arguments: Sequence[str]) -> int:
    """Prints the signature of an op or public function, and its facts."""
    parser = Parser("penstock op", DESCRIPTION)
    parser.add_argument(
        "name", metavar="NAME", help="a raw op such as MatMul, or a name such as tf.nn.softmax"
    )
    name = parser.parse_args(arguments).name.removeprefix("tf.raw_ops.")
    if name in registry.index():
        print("\n".join(_lines_of_op(registry.find(name))))
        return 0
    public = name.removeprefix("tf.").removeprefix("penstock.").removeprefix("tensorflow.")
    value = _public(public)
    if value is not None and inspect.ismodule(value):
        raise Refused(f"tf.{public} is a namespace; name one of its functions.")
    if value is None:
        raise Refused(f"there is no operation or function {name!r}.{_hint(public)}")
    print("\n".join(_lines_of_public(f"tf.{public}", value)))
    return 0


def _public(path: str) -> Any:
    """The object `tf.<path>`, or None."""
    value: Any = importlib.import_module(tensorflow_alias.PUBLIC)
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            return None
    return value


def _hint(name: str) -> str:
    known = [*registry.index(), *(f"tf.{path}" for path in _public_names())]
    close = close_names(name, known)
    return f" Did you mean {', '.join(close)}?" if close else ""


def _public_names() -> Iterable[str]:
    """The dotted names of the public tree but Keras's, without loading what they name."""
    waiting = [("", importlib.import_module(tensorflow_alias.PUBLIC))]
    while waiting:
        prefix, module = waiting.pop()
        rooms = {room.name for room in pkgutil.iter_modules(module.__path__) if room.ispkg}
        yield from (f"{prefix}{name}" for name in dir(module) if not name.startswith("_"))
        for room in rooms - {"_src", "keras", "compat"}:
            waiting.append(
                (f"{prefix}{room}.", importlib.import_module(f"{module.__name__}.{room}"))
            )


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Returns the names that are spelled like `name`, the closest first, then those that contain it."""
    wanted = name.lower()
    by_lower: dict[str, str] = {}
    for each in known:
        by_lower.setdefault(each.lower(), each)
    keys = list(by_lower)
    near = difflib.get_close_matches(wanted, keys, 3, 0.75)
    near += difflib.get_close_matches(f"tf.{wanted}", keys, 3, 0.75)
    near += sorted((key for key in keys if wanted in key), key=len)[:MOST_CLOSE]
    last = wanted.rpartition(".")[2]
    near += [key for key in keys if "." in key and key.rpartition(".")[2] == last]
    return [by_lower[key] for key in dict.fromkeys(near)][:MOST_CLOSE]


def _lines_of_op(cls: Any) -> list[str]:
    lines = [f"{cls.op_type}({' '.join(cls.signature.split())})"]
    lines.append(f"  {_summary(cls)}")
    for attribute, default in cls.attributes.items():
        text = "required" if default is REQUIRED else f"default {default!r}"
        lines.append(f"  {attribute}: {text}")
    lines.append(f"  in compiled functions: {_place(cls)}")
    lines.append(f"  gradient: {_gradient(cls)}")
    lines.append(f"  {_source(cls)}")
    return lines


def _lines_of_public(name: str, value: Any) -> list[str]:
    if not callable(value):
        return [f"{name} = {value!r}"]
    lines = [f"{name}{_signature(value)}", f"  {_summary(value)}"]
    ops = [registry.find(op) for op in _ops(value)]
    if ops:
        lines.append("  may call (what operators such as + call is not listed):")
        width = max(len(cls.op_type) for cls in ops)
        lines += [
            f"    {cls.op_type:{width}}  {_place(cls)}, gradient: {_gradient(cls)}" for cls in ops
        ]
        hosted = [cls.op_type for cls in ops if not cls.has_lowering]
        lines.append(
            "  in compiled functions: "
            + ("native" if not hosted else f"on the host where it calls {', '.join(hosted)}")
        )
        ended = [cls.op_type for cls in ops if _gradient(cls) == "no"]
        lines.append(
            "  gradient: " + ("yes" if not ended else f"not through {', '.join(ended)}; else yes")
        )
    elif not inspect.isclass(value):
        lines.append("  calls no operation by name")
    source = _source(value)
    return [*lines, f"  {source}"] if source else lines


def _ops(value: Any) -> list[str]:
    return ops_of(value) if inspect.isfunction(value) else []


def _signature(value: Any) -> str:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"


def _summary(value: Any) -> str:
    text = inspect.getdoc(value) or ""
    return text.partition("\n\n")[0].replace("\n", " ")


def _place(cls: Any) -> str:
    return "native" if cls.has_lowering else "on the host"


def _gradient(cls: Any) -> str:
    if not cls.differentiable:
        return "none (constant)"
    return "yes" if cls.has_gradient else "no"


def _source(value: Any) -> str:
    try:
        inner = inspect.unwrap(value)
        file = pathlib.Path(inspect.getsourcefile(inner) or "")
        return f"{file}:{inspect.getsourcelines(inner)[1]}"
    except (OSError, TypeError):  # made of a row of a table, or native
        return str(getattr(value, "__module__", ""))
