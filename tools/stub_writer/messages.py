"""The stub of a protocol buffer's class, from its descriptor."""

from typing import Any

from .functions import INDENT
from .spelling import Speller

KINDS = {
    **dict.fromkeys((1, 2), "float"),
    **dict.fromkeys((3, 4, 5, 6, 7, 13, 15, 16, 17, 18), "int"),
    8: "bool",
    9: "str",
    12: "bytes",
    14: "int",
}
MESSAGE = 11


def is_message(held: Any) -> bool:
    """True if it is the class of a message."""
    return hasattr(held, "DESCRIPTOR") and hasattr(held, "SerializeToString")


def _kind(field: Any, speller: Speller) -> str:
    if field.type != MESSAGE:
        return KINDS.get(field.type, "Any")
    held = getattr(field.message_type, "_concrete_class", None)
    home = speller.tree.home(held)
    return f"tf.{home}" if home else "Any"


def _is_map(field: Any) -> bool:
    return field.type == MESSAGE and field.message_type.GetOptions().map_entry


def _repeats(field: Any) -> bool:
    value = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if value is None else value)


def message_text(name: str, held: Any, speller: Speller) -> str:
    """The definition of a message: its fields, and the keywords that construct it."""
    fields = list(held.DESCRIPTOR.fields)
    members = frozenset(f.name for f in fields)

    def spell(text: str) -> str:
        return speller.text(text, members)

    lines, words = [], []
    for field in fields:
        if _is_map(field):
            key, value = (field.message_type.fields_by_name[part] for part in ("key", "value"))
            kind = f"dict[{_kind(key, speller)}, {_kind(value, speller)}]"
            given = f"Mapping[{_kind(key, speller)}, {_kind(value, speller)}]"
        elif _repeats(field):
            kind, given = "Any", f"Iterable[{_kind(field, speller)}]"
        else:
            kind = given = _kind(field, speller)
        lines.append(f"{field.name}: {spell(kind)}")
        words.append(f"{field.name}: {spell(given)} | None = ...")
    for value in held.DESCRIPTOR.enum_types:
        lines += [f"{option.name}: {spell('int')}" for option in value.values]
    inside = ", ".join(["self", "*", *words]) if words else "self"
    lines.append(f"def __init__({inside}) -> None: ...")
    body = "\n".join(INDENT + line for line in lines)
    return f"class {name}({spell('Message')}):\n{body}\n"
