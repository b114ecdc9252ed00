"""Calls of an op with bait in its string arguments."""

from __future__ import annotations

import copy
import random
import typing
from collections.abc import Iterator
from typing import Any

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import find
from penstock._src.core.shapes import TensorShape
from tests.fuzz.calls import drawing
from tests.fuzz.consent.kinds import FUNCTIONS, kinds_of
from tests.fuzz.consent.witnesses import WITNESSES

# Calls made of a signature, of which those that run to the end get bait; more where there is more to choose.
TRIES, MORE_TRIES = 16, 48
# Ranks of inputs that take any, and how many are tried of those that an op takes.
RANKS = (0, 1, 1, 2, 2, 3, 4, 5)
MOST_RANKS = 4
# What the other strings of a call are if one is bait: what they were, nothing, as most ops take it, or one character.
OTHERS = (None, "", ",")
# Strings that are put into one argument alone, beside those that are put into all.
ALONE = ("file", "new file", "prefix", "dataset", "url in memory", "graph")


def calls_of(op: str) -> Iterator[Any]:
    """Yields calls of an op: recorded ones, and others made of its signature."""
    known = [*WITNESSES.get(op, ()), *drawing.recorded().get(f"op {op}", ())]
    yield from map(copy.deepcopy, known)
    cls, choice = find(op), random.Random(op)
    has_choice = any(kind in (Function, list[Function]) for kind in cls.annotations.values())
    has_choice |= any(a.dtype and a.dtype.name in ("resource", "variant") for a in cls.inputs)
    for _ in range(MORE_TRIES if has_choice else TRIES):
        yield _made(op, choice)


def _made(op: str, choice: random.Random) -> Any:
    """A call with small inputs of fitting types, two elements in each axis and list, and attributes that most ops take."""
    cls = find(op)
    call = drawing.from_signature(op, choice)
    common, own_values = choice.choice(RANKS), choice.random() < 0.3
    inputs = []
    for argument, value in zip(cls.inputs, call["inputs"], strict=True):
        ranks = cls.ranks.get(argument.name, (common, common, common, choice.choice(RANKS)))
        rank = choice.choice(ranks[:MOST_RANKS])
        if isinstance(value, list):
            value = [value[0] if value else drawing.a_tensor("float32", choice)] * choice.choice(
                [1, 2, 2]
            )
            inputs.append([_small(each, rank, own_values, argument, choice) for each in value])
        else:
            inputs.append(_small(value, rank, own_values, argument, choice))
    attrs = {
        name: _attribute(value, cls.annotations.get(name), cls.attributes.get(name), choice)
        for name, value in call["attrs"].items()
    }
    return {**call, "inputs": inputs, "attrs": attrs}


def _small(value: Any, rank: int, own_values: bool, argument: Any, choice: random.Random) -> Any:
    if "resource" in value:
        return {"resource": choice.choice(kinds_of(argument))}
    if not own_values and value["tensor"] != "string":
        value = {**value, "values": [[1.0, 0.0]] if "complex" in value["tensor"] else [1]}
    return {**value, "shape": [2] * rank}


def _attribute(value: Any, annotation: Any, default: Any, choice: random.Random) -> Any:
    if annotation is Function:
        return {"function": choice.choice(list(FUNCTIONS))}
    if annotation == list[Function]:
        return [{"function": choice.choice(list(FUNCTIONS))}] * choice.choice([1, 2])
    if annotation == list[DType]:
        return [{"dtype": choice.choice(["int64", "string"])}] * choice.choice([1, 1, 2])
    if annotation == list[TensorShape]:
        return [{"shape_of": []}] * choice.choice([1, 1, 2])
    if isinstance(default, bool | int | float | str | DType | TensorShape | tuple):
        return value
    if typing.get_origin(annotation) is None and annotation in (int, float):
        return annotation(1)
    return "" if annotation is str else value


def baited_inputs(call: Any, strings: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    """Yields the name of a string and the call with it in all string tensors, then in one after the other."""
    places = list(_string_tensors(call["inputs"], ["inputs"]))
    yield from _baited(call, strings, places)
    yield from _baited(with_scalars(call), strings, places)


def baited_attributes(call: Any, strings: dict[str, bytes]) -> Iterator[tuple[str, Any]]:
    """Yields the same for string attributes."""
    annotations = find(call["op"]).annotations
    texts = (str, bytes, list[str], list[bytes])
    places = [["attrs", name] for name, kind in annotations.items() if kind in texts]
    yield from _baited(call, strings, places)


def _baited(
    call: Any, strings: dict[str, bytes], places: list[list[Any]]
) -> Iterator[tuple[str, Any]]:
    for name, text in strings.items() if places else ():
        yield name, _with_texts(call, dict.fromkeys(map(tuple, places), text))
    for place in places if len(places) > 1 else ():
        for name in ALONE:
            for other in OTHERS:
                texts = {} if other is None else dict.fromkeys(map(tuple, places), other.encode())
                yield name, _with_texts(call, texts | {tuple(place): strings[name]})


def _with_texts(call: Any, texts: dict[tuple[Any, ...], bytes]) -> Any:
    changed = copy.deepcopy(call)
    for place, data in texts.items():
        holder, text = changed, data.decode("latin-1")
        for key in place[:-1]:
            holder = holder[key]
        if place[0] == "inputs":
            holder[place[-1]] = {**holder[place[-1]], "values": [text]}
            continue
        annotation = find(call["op"]).annotations[place[-1]]
        value: Any = {"bytes": text} if annotation in (bytes, list[bytes]) else text
        holder[place[-1]] = [value] if annotation in (list[str], list[bytes]) else value
    return changed


def with_scalars(call: Any) -> Any:
    """Returns the call with a scalar in place of each string tensor: most ops that take a path take one."""
    changed = copy.deepcopy(call)
    for place in list(_string_tensors(call["inputs"], ["inputs"])):
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = {**holder[place[-1]], "shape": []}
    return changed


def _string_tensors(value: Any, path: list[Any]) -> Iterator[list[Any]]:
    for at, each in enumerate(value) if isinstance(value, list) else ():
        if isinstance(each, list):
            yield from _string_tensors(each, [*path, at])
        elif isinstance(each, dict) and "string" in (each.get("tensor"), each.get("array")):
            yield [*path, at]
