"""Damage: to bytes, to JSON values, to messages."""

import json
import math
import random
from typing import Any

# Values of JSON that no input is of, or that are at an edge of some dtype.
ODD_TEXTS = (
    f"{'[' * 300}{']' * 300} {'9' * 400} "
    "null true false 0 -0.0 1e400 -1e400 1e39 NaN -Infinity 2147483648 -2147483649 9223372036854775808 18446744073709551616 "
    '1e-400 0.1 "" "x" "\\ud800" "\\u0000" [] {} [[]] [null] [[[[1]]]] {"b64":""} {"b64":"!"} {"b64":3} {"b64":"eA==","x":1} '
    '{"instances":[1]} [1,[2]] [1,"2"] [[1],[2,3]] 00 01 1. .5 +1 0x1 1e tru "\\x" "\xff" //'
).split()
LENGTHS = (0, 1, 3, 64, 65, 1000, 5000)
# The most values that repeated parts of a text hold: lists of lists of lists of 5,000 would take all memory.
_MOST_VALUES = 200_000
SIZES = (
    -1,
    -2,
    0,
    1,
    2,
    3,
    7,
    1 << 16,
    1 << 31,
    (1 << 31) - 1,
    1 << 32,
    1 << 62,
    (1 << 63) - 1,
    -(1 << 63),
)


def damaged_bytes(random: random.Random, data: bytes) -> bytes:
    """Some bytes changed, left out, repeated or put in."""
    made = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        at = random.randrange(len(made) + 1)
        to = min(len(made), at + random.choice((1, 1, 2, 8, 100)))
        kind = random.randrange(6)
        if kind == 0 and at < len(made):
            made[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            del made[at:to]
        elif kind == 2:
            made[at:at] = made[at:to] * random.choice((1, 2, 50))
        elif kind == 3:
            made[at:at] = random.randbytes(random.choice((1, 4, 32)))
        elif kind == 4:
            del made[at:]
        else:
            made[at:to] = random.choice(
                (b"\xff" * 9 + b"\x01", b"\x00", b"\x80\x80\x80\x80\x08", b"{", b"]")
            )
    return bytes(made)


def damaged_json(random: random.Random, value: Any) -> bytes:
    """The text of a value with some parts changed; it may be no JSON."""
    marks: dict[str, str] = {}
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        value = _changed(random, value, marks)
    text = json.dumps(value, ensure_ascii=random.random() < 0.9)
    for mark, odd in marks.items():
        text = text.replace(json.dumps(mark), odd)
    return text.encode("utf-8", "surrogatepass")


def _changed(random: random.Random, value: Any, marks: dict[str, str]) -> Any:
    """A value with one part changed, at a random depth."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        key = random.choice(list(value))
        kind = random.randrange(12)
        if kind == 0:
            return {k: v for k, v in value.items() if k != key}
        if kind == 1:
            return {**value, key + random.choice(("x", "\x00", "é" * 100)): value[key]}
        return {**value, key: _changed(random, value[key], marks)}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        kind = random.randrange(12)
        if kind == 0:
            return value[:at] + value[at + 1 :]
        if kind == 1:
            return value + _repeated(random, value[at])
        return [*value[:at], _changed(random, value[at], marks), *value[at + 1 :]]
    return _odd(random, value, marks)


def _repeated(random: random.Random, value: Any) -> list[Any]:
    return [value] * min(random.choice(LENGTHS), _MOST_VALUES // _count(value))


def _count(value: Any) -> int:
    """How many values a part of a text holds, itself among them."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, parts))


def _odd(random: random.Random, value: Any, marks: dict[str, str]) -> Any:
    kind = random.randrange(8)
    if kind == 0:
        return _repeated(random, value)
    if kind == 1:
        mark = f"mark{len(marks)}"
        depth = random.choice((1, 2, 31, 32, 33, 64, 65, 1100, 5000))
        marks[mark] = "[" * depth + "1" + "]" * depth
        return mark
    if kind == 2:
        return {"b64": value}
    if kind == 3:
        return random.choice(
            ("half", "several", "any", "pairs", "", "x" * 5000, "0", "serving_default")
        )
    mark = f"mark{len(marks)}"
    marks[mark] = random.choice(ODD_TEXTS)
    return mark


def damaged_message(random: random.Random, message: Any) -> None:
    """Changes some fields of a message, or of one in it."""
    for _ in range(random.choice((1, 1, 2, 3))):
        _change_field(random, message)


def _change_field(random: random.Random, message: Any) -> None:
    set_fields = [field for field, _ in message.ListFields()]
    field = random.choice(
        set_fields if set_fields and random.random() < 0.8 else message.DESCRIPTOR.fields
    )
    held = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        _change_map(random, field, held)
    elif field.message_type is not None:
        if not field.is_repeated:
            _change_field(random, held) if random.random() < 0.9 else message.ClearField(field.name)
        elif held and random.random() < 0.8:
            _change_field(random, random.choice(held))
        else:
            for _ in range(random.choice((1, 2, 100))):
                held.add()
    elif not field.is_repeated:
        setattr(message, field.name, _scalar(random, field, held))
    else:
        kind = random.randrange(3)
        if kind == 0:
            del held[random.randrange(len(held) + 1) :]
        elif kind == 1:
            held.extend([_scalar(random, field, None) for _ in range(random.choice(LENGTHS))])
        elif held:
            held[random.randrange(len(held))] = _scalar(random, field, held[0])


def _change_map(random: random.Random, field: Any, held: Any) -> None:
    is_of_messages = field.message_type.fields_by_name["value"].message_type is not None
    if held and random.random() < 0.8 and is_of_messages:
        _change_field(random, held[random.choice(sorted(held))])
    elif held and random.random() < 0.5:
        del held[random.choice(sorted(held))]
    elif is_of_messages:
        held[random.choice(("", "x", "a", "any", "é"))].SetInParent()


def _scalar(random: random.Random, field: Any, held: Any) -> Any:
    """A value of a field's type."""
    kind = field.cpp_type
    if kind == field.CPPTYPE_BOOL:
        return random.random() < 0.5
    if kind == field.CPPTYPE_ENUM:
        return random.choice((0, 1, 2, 3, 7, 9, 10, 14, 20, 21, 22, 23, 24, 101, 120, 9999, -1))
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return random.choice((0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 3e38, 1e-45))
    if kind == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            data = held or b"abcdefgh"
            return random.choice(
                (b"", data + b"\0", data[:-1], data * 100, damaged_bytes(random, data))
            )
        return random.choice(
            (
                "",
                "x",
                "half",
                "several",
                "serving_default",
                "pairs",
                "any",
                "image",
                "../half",
                "é" * 1000,
            )
        )
    sizes = [size for size in SIZES if _holds(field, size)]
    return random.choice(sizes)


def _holds(field: Any, number: int) -> bool:
    bounds = {
        field.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
        field.CPPTYPE_UINT32: (0, (1 << 32) - 1),
        field.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
        field.CPPTYPE_UINT64: (0, (1 << 64) - 1),
    }
    low, high = bounds[field.cpp_type]
    return low <= number <= high
