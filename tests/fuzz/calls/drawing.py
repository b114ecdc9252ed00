"""Draws a call: a valid one that was recorded, or one made of an op's signature, changed in a few places.

A change is (which argument, its new value); changes of one argument replace one another. Shrinking takes changes back.
"""

import copy
import functools
import gzip
import json
import random
import typing
from typing import Any

from tests.fuzz.calls.recording import RECORDED
from tests.fuzz.calls.resources import KINDS

INTEGERS = [0, 1, -1, 2, 3, 5, 7, -2, -5, 16, 100, 127, 128, 255, 256, 1000, 65536, 100_000, 2**31 - 1, -(2**31),
            2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63)]  # fmt: skip
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-3, -3.5, 1e10, -1e10, 1e30, -1e30, 1e38, 3.5e38, 1e300, 1e-40,
          float("inf"), float("-inf"), float("nan")]  # fmt: skip
TEXTS = ["", "a", "abc", "x" * 5000, "\xff\xfe", "é", "0", "-1", "1e400", "nan", "[", "(", "((a+)+)+b", "(a|aa)*$", "%",
         "{}", "{0}{9}", "\\", "\\9", "NHWC", "NCHW", "SAME", "float32", "a,b->", "ij,jk->ik", "...", "\x00", "://", "%999999999d"]  # fmt: skip
SIZES = [0, 1, 2, 3, 4, 5, 7, 16]
DTYPES = ["float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "bool", "string", "complex64", "complex128", "qint8", "quint8", "qint32"]  # fmt: skip
LIMITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64,
          "qint8": 7, "quint8": 8, "qint16": 15, "quint16": 16, "qint32": 31}  # fmt: skip
ABSURD = [None, 0, -1, 1.5, True, "text", [], [1, "a"], [[1], [1, 2]], [None], {"bytes": "b"}, {"dtype": "float32"},
          {"shape_of": None}, {"shape_of": [2, None]}, {"tuple": []}, 2**100, float("nan")]  # fmt: skip


@functools.cache
def recorded() -> dict[str, list[Any]]:
    """{"op Name" or "function path": its valid calls}."""
    found: dict[str, list[Any]] = {}
    for call in json.loads(gzip.decompress(RECORDED.read_bytes())):
        key = "op " + call["op"] if "op" in call else "function " + call["function"]
        found.setdefault(key, []).append(call)
    return found


class Case(typing.NamedTuple):
    """A drawn call: the valid one and its changes, [path in the call, new value]."""

    base: Any
    changes: list[Any]

    def call(self) -> Any:
        """The changed call."""
        made = copy.deepcopy(self.base)
        for path, value in self.changes:
            place = made
            for key in path[:-1]:
                place = place[key]
            if value == {"dropped": True}:
                if isinstance(place, dict):
                    place.pop(path[-1], None)
            else:
                place[path[-1]] = value
        return made


def draw(key: str, seed: int) -> Case:
    """The call of a seed of an op ("op Name") or public function ("function path")."""
    choice = random.Random(f"{key}:{seed}")
    base = copy.deepcopy(_base(key, choice))
    if choice.random() < 0.1:
        base = _of_dtype(base, choice)
    how_many = choice.choices([0, 1, 2, 3, 5], [6, 50, 25, 12, 7])[0]
    changes: list[Any] = []
    places = _places(base)
    for _ in range(how_many if places else 0):
        path = choice.choice(places)
        value = _at(base, path)
        if "attrs" in path:
            changes.append([path, _attribute(base["op"], path[-1], value, choice)])
        else:
            changes.append([path, _changed(value, choice)])
    unique = {json.dumps(path): [path, value] for path, value in changes}
    return Case(base, list(unique.values()))


def _places(base: Any) -> list[list[Any]]:
    if "op" in base:
        return [["inputs", at] for at in range(len(base["inputs"]))] + [
            ["attrs", name] for name in base["attrs"]
        ]
    return [["arguments", name] for name in base["arguments"]]


def _at(base: Any, path: list[Any]) -> Any:
    for key in path:
        base = base[key]
    return base


def _base(key: str, choice: random.Random) -> Any:
    kind, name = key.split(" ")
    known = recorded().get(key)
    if known and (kind == "function" or choice.random() < 0.9):
        call = copy.deepcopy(choice.choice(known))
        if kind == "op":
            call["attrs"] = {**_defaults(name), **call["attrs"]}
        return call
    return from_signature(name, choice)


def _of_dtype(base: Any, choice: random.Random) -> Any:
    """The call with every tensor of one floating type of another type."""
    other = choice.choice(DTYPES[:12])

    def turned(data: Any) -> Any:
        if isinstance(data, list):
            return [turned(v) for v in data]
        if isinstance(data, dict) and data.get("tensor") == "float32":
            values = data["values"] if "float" in other else [_whole(v) for v in data["values"]]
            return {**data, "tensor": other, "values": values}
        return {k: turned(v) for k, v in data.items()} if isinstance(data, dict) else data

    return turned(base)


def _whole(value: Any) -> int:
    return int(abs(value)) % 100 if isinstance(value, int | float) and abs(value) < 1e9 else 1


# -- changes of inputs -----------------------------------------------------------------------------------------------------


def _changed(value: Any, choice: random.Random) -> Any:
    if choice.random() < 0.06:
        return choice.choice(ABSURD)
    if isinstance(value, dict) and "resource" in value:
        return (
            {"resource": choice.choice(list(KINDS))}
            if choice.random() < 0.9
            else a_tensor("float32", choice)
        )
    if isinstance(value, dict) and ("tensor" in value or "array" in value):
        return _changed_tensor(value, choice)
    if isinstance(value, list):
        return _changed_list(value, choice)
    if isinstance(value, dict) and "tuple" in value:
        return {"tuple": _changed_list(value["tuple"], choice)}
    return _changed_plain(value, choice)


def _changed_list(value: list[Any], choice: random.Random) -> Any:
    how = choice.randrange(7)
    if how == 0 or not value:
        return []
    at = choice.randrange(len(value))
    if how == 1:
        return value[:at] + value[at + 1 :]
    if how == 2:
        return [*value, copy.deepcopy(value[at])]
    if how == 3:
        return value[at]
    if how == 4:
        return [choice.choice(value) for _ in value]
    return [*value[:at], _changed(value[at], choice), *value[at + 1 :]]


def _changed_plain(value: Any, choice: random.Random) -> Any:
    if isinstance(value, bool):
        return choice.choice([not value, 2, "true", None])
    if isinstance(value, int):
        return choice.choice([*INTEGERS, value + 1, -value, float(value)])
    if isinstance(value, float):
        return choice.choice([*FLOATS, -value, 2])
    if isinstance(value, str):
        return choice.choice([*TEXTS, value.upper(), value + "x", value[1:]])
    if value is None:
        return choice.choice(
            [0, -1, 1, 2, "a", [], 1.5, a_tensor("int32", choice), a_tensor("float32", choice)]
        )
    if isinstance(value, dict) and "dtype" in value:
        return {"dtype": choice.choice(DTYPES)}
    if isinstance(value, dict) and "shape_of" in value:
        return {"shape_of": a_shape(choice)}
    return choice.choice(ABSURD)


def _changed_tensor(value: Any, choice: random.Random) -> Any:
    tag = "tensor" if "tensor" in value else "array"
    dtype, shape, values = value[tag], list(value["shape"]), list(value["values"])
    how = choice.random()
    if how < 0.45 and values:
        new = [a_value(dtype, choice) for _ in values]
        if choice.random() < 0.6:
            at = choice.randrange(len(values))
            values[at] = new[at]
        elif choice.random() < 0.5:
            values = new
        else:
            values = [new[0]]
    elif how < 0.88:
        shape = _changed_shape(shape, choice)
        values = values or [a_value(dtype, choice)]
    else:
        dtype = choice.choice(DTYPES)
        values = [a_value(dtype, choice) for _ in values[:8]] if choice.random() < 0.5 else [1]
    return {tag: dtype, "shape": shape, "values": values}


def _changed_shape(shape: list[int], choice: random.Random) -> list[int]:
    how = choice.randrange(8)
    if how == 0 or not shape:
        return choice.choice(
            [[], [0], [1], [3], [2, 2], [1, 1, 1], [0, 2], [2, 1, 2, 1, 2], [1] * 9]
        )
    at = choice.randrange(len(shape))
    if how == 1:
        return shape[:at] + shape[at + 1 :]
    if how == 2:
        return [*shape[:at], 1, *shape[at:]]
    if how == 3:
        return [*shape[:at], 0, *shape[at + 1 :]]
    if how == 4:
        return [choice.choice(SIZES) for _ in shape]
    return [
        *shape[:at],
        choice.choice([*SIZES, shape[at] + 1, max(0, shape[at] - 1), 2 * shape[at]]),
        *shape[at + 1 :],
    ]


def a_value(dtype: str, choice: random.Random) -> Any:
    """An element of a type: small, extreme or not a number."""
    if dtype == "string":
        return choice.choice(TEXTS)
    if dtype == "bool":
        return choice.random() < 0.5
    if dtype in LIMITS:
        bits = LIMITS[dtype]
        least = 0 if dtype.startswith(("u", "qu")) else -(2**bits)
        wanted = [
            v for v in [*INTEGERS, least, 2**bits - 1, 2 ** (bits - 1)] if least <= v < 2**bits
        ]
        return choice.choice(wanted)
    if dtype.startswith("complex"):
        return [choice.choice(FLOATS[:11]), choice.choice(FLOATS)]
    return choice.choice(FLOATS)


def a_shape(choice: random.Random) -> Any:
    """A shape: small, empty, unknown or huge."""
    if choice.random() < 0.1:
        return None
    return [
        choice.choice([*SIZES, *SIZES, None, 100_000, 2**31, 2**62])
        for _ in range(choice.randrange(5))
    ]


def a_tensor(dtype: str, choice: random.Random, rank: int | None = None) -> Any:
    """A small tensor."""
    if dtype in ("resource", "variant"):
        return {"resource": choice.choice(list(KINDS))}
    rank = choice.choice([0, 1, 1, 2, 2, 3, 4]) if rank is None else rank
    size = choice.choice([1, 2, 3, 4])
    shape = [size if choice.random() < 0.8 else choice.choice(SIZES) for _ in range(rank)]
    plain = {
        "string": ["a", "bc"],
        "bool": [True, False],
        "complex64": [[1.0, 2.0]],
        "complex128": [[1.0, 2.0]],
    }
    values = plain.get(dtype, [0, 1, 2] if dtype in LIMITS else [0.5, -1.0, 2.0])
    if choice.random() < 0.3:
        values = [a_value(dtype, choice) for _ in range(choice.choice([1, 4]))]
    return {"tensor": dtype, "shape": shape, "values": values}


# -- attributes ------------------------------------------------------------------------------------------------------------


def _class(name: str) -> Any:
    from penstock._src.core import registry

    return registry.find(name)


@functools.cache
def _defaults(name: str) -> dict[str, Any]:
    """The attributes of an op that have defaults, as data."""
    from penstock._src.core.calls.attributes import REQUIRED
    from tests.fuzz.calls.recording import NotRecorded, as_data

    found = {}
    for attr, value in _class(name).attributes.items():
        if value is REQUIRED or value is None or attr in _inferred(name):
            continue
        try:
            found[attr] = as_data(list(value) if isinstance(value, tuple) else value)
        except NotRecorded:
            continue
    return found


@functools.cache
def _inferred(name: str) -> set[str]:
    """The attributes of an op that follow from its inputs."""
    return {
        attr
        for argument in _class(name).inputs
        for attr in (argument.type_attr, argument.number_attr, argument.type_list_attr)
        if attr
    }


def _attribute(op: str, attr: str, value: Any, choice: random.Random) -> Any:
    """Another value of an attribute."""
    if choice.random() < 0.05:
        return {"dropped": True}
    if choice.random() < 0.08:
        return choice.choice(ABSURD)
    annotation = _class(op).annotations.get(attr)
    return (
        _changed_list(value, choice)
        if isinstance(value, list) and choice.random() < 0.4
        else a_attribute(annotation, choice)
    )


def a_attribute(annotation: Any, choice: random.Random) -> Any:
    """A value of an attribute of that annotation."""
    from penstock._src.core.dtypes import DType
    from penstock._src.core.shapes import TensorShape

    origin = typing.get_origin(annotation)
    if origin is list:
        (element,) = typing.get_args(annotation)
        return [a_attribute(element, choice) for _ in range(choice.choice([0, 1, 1, 2, 3, 4]))]
    if origin is typing.Literal:
        return choice.choice(
            [*typing.get_args(annotation), *typing.get_args(annotation), "", "other"]
        )
    if annotation is bool:
        return choice.random() < 0.5
    if annotation is int:
        return choice.choice(INTEGERS)
    if annotation is float:
        return choice.choice(FLOATS)
    if annotation is str:
        return choice.choice(TEXTS)
    if annotation is bytes:
        return {"bytes": choice.choice(TEXTS[:11])}
    if annotation is DType:
        return {"dtype": choice.choice(DTYPES)}
    if annotation is TensorShape:
        return {"shape_of": a_shape(choice)}
    return choice.choice(ABSURD)


def from_signature(name: str, choice: random.Random) -> Any:
    """A call of an op with small inputs of the types that its signature asks for."""
    from penstock._src.core.calls.attributes import REQUIRED

    cls = _class(name)
    types: dict[str, str] = {}

    def dtype_of(argument: Any) -> str:
        if argument.dtype is not None:
            return argument.dtype.name
        attr = argument.type_attr
        if attr not in types:
            allowed = sorted(t.name for t in cls.traits.type_sets.get(attr, ())) or [
                "float32",
                "int32",
            ]
            good = [t for t in ("float32", "int32", "int64") if t in allowed]
            types[attr] = choice.choice(good if good and choice.random() < 0.7 else allowed)
        return types[attr]

    inputs: list[Any] = []
    for argument in cls.inputs:
        if argument.type_list_attr:
            inputs.append(
                [a_tensor(choice.choice(DTYPES[:8]), choice) for _ in range(choice.randrange(3))]
            )
        elif argument.number_attr:
            dtype = dtype_of(argument)
            inputs.append([a_tensor(dtype, choice) for _ in range(choice.randrange(4))])
        else:
            inputs.append(a_tensor(dtype_of(argument), choice))
    attrs = dict(_defaults(name))
    for attr, value in cls.attributes.items():
        if value is REQUIRED and attr not in _inferred(name):
            attrs[attr] = a_attribute(cls.annotations.get(attr), choice)
    return {"op": name, "inputs": inputs, "attrs": attrs}
