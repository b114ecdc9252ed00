"""Damage to the content of messages that stay messages: numbers, names, what is there twice or not at all."""

import random
from collections.abc import Iterator
from typing import Any

from tests.fuzz.files.mutating import damaged

_NUMBERS = [0, 1, -1, 2, 7, 100, 1 << 31, -(1 << 31), 1 << 40, (1 << 63) - 1]
_TEXTS = ["", "^", "a:-1", ":0", "../../x", "NoSuchThing", "\n"]


def changed(choice: random.Random, message: Any, count: int = 1) -> None:
    """Changes some fields, drawn at random."""
    texts = sorted(set(_texts(message)))
    for _ in range(count):
        _change(choice, message, texts)


def _texts(message: Any) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING and not _is_map(field):
            yield from [value] if isinstance(value, str) else value
        for part in _parts(field, value):
            yield from _texts(part)


def _is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _parts(field: Any, value: Any) -> list[Any]:
    """The messages in a field."""
    if field.message_type is None:
        return []
    if _is_map(field):
        return [held for held in value.values() if hasattr(held, "ListFields")]
    return list(value) if field.is_repeated else [value]


def _change(choice: random.Random, message: Any, texts: list[str]) -> None:
    while True:
        fields = message.ListFields()
        if not fields:
            return
        field, value = choice.choice(fields)
        parts = _parts(field, value)
        if parts and choice.random() < 0.9:
            message = choice.choice(parts)
            continue
        if _is_map(field):
            keys = sorted(value)
            del value[choice.choice(keys)]
        elif field.is_repeated:
            _change_list(choice, field, value, texts)
        elif field.message_type is not None:
            message.ClearField(field.name)
        else:
            _set(message, field, _other(choice, field, value, texts))
        return


def _change_list(choice: random.Random, field: Any, values: Any, texts: list[str]) -> None:
    at, other = choice.randrange(len(values)), choice.randrange(len(values))
    way = choice.randrange(3)
    if way == 0:
        del values[at]
    elif field.message_type is not None:
        values.append(values[at]) if way == 1 else values[at].CopyFrom(values[other])
    elif way == 1:
        values.append(values[at])
    else:
        try:
            values[at] = _other(choice, field, values[at], texts)
        except (ValueError, TypeError):  # outside of the field's type
            del values[at]


def _set(message: Any, field: Any, value: Any) -> None:
    try:
        setattr(message, field.name, value)
    except (ValueError, TypeError):  # outside of the field's type
        message.ClearField(field.name)


def _other(choice: random.Random, field: Any, value: Any, texts: list[str]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return choice.choice([*_NUMBERS, value + 1, value - 1])
    if isinstance(value, float):
        return choice.choice([0.0, -1.0, float("inf"), float("nan")])
    if isinstance(value, bytes):
        return damaged(choice, value or b"\0")
    return choice.choice([*_TEXTS, *choice.choices(texts or [""], k=8)])
