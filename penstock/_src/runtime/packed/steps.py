"""The record of a section's steps, with the plan of its program, and its text."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.recorded.step_lists import (
    HostRecord,
    ProgramRecord,
    Source,
    StepsRecord,
    WaitingRecord,
)
from penstock._src.runtime.packed.record import PlanRecord, plain, record_of_content
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class PackedStepsRecord:
    """Steps, and the plan of the program that is one of them, or None; `fits_any` if they are for inputs of any shapes."""

    steps: StepsRecord
    plan: PlanRecord | None
    fits_any: bool


def text_of_steps(record: PackedStepsRecord) -> bytes:
    """The text of a record."""
    return json.dumps(plain(record), separators=(",", ":"), sort_keys=True).encode()


def steps_of(text: bytes, objects: int) -> PackedStepsRecord:
    """Parses a record from text, and checks each index against the list that it refers to.

    Args:
      text: as `text_of_steps` gives it.
      objects: number of objects in the pack.

    Raises:
      ValueError, KeyError, TypeError: the text is not a valid record.
    """
    content = json.loads(text)
    plan = None if content["plan"] is None else record_of_content(content["plan"], objects)
    given = content["steps"]
    slots = _texts(given["slots"])
    steps = [_step(each, len(slots), plan) for each in given["steps"]]
    programs = sum(isinstance(step, ProgramRecord) for step in steps)
    _require(programs == (plan is not None), "programs")
    _require(content["fits_any"] is (plan is None), "programs")
    waiting = None if given["waiting"] is None else _waiting(given["waiting"], len(slots))
    record = StepsRecord(
        _text(given["key"]),
        _slots(given["values"], len(slots)),
        slots,
        _slots(given["constants"], len(slots)),
        _slots(given["outputs"], len(slots)),
        steps,
        waiting,
    )
    return PackedStepsRecord(record, plan, plan is None)


def _step(content: Any, slots: int, plan: PlanRecord | None) -> HostRecord | ProgramRecord:
    reads = _slots(content["reads"], slots)
    if "why" in content:
        writes = _slots(content["writes"], slots)
        return HostRecord(_text(content["op"]), reads, writes, _text(content["why"]))
    if plan is None:
        raise ValueError("its program has no plan")
    is_empty = content["is_empty"]
    _require(is_empty in (True, False) and len(reads) == plan.signature.count, "arguments")
    results = 0 if is_empty else len(plan.signature.results)
    makers = [
        (_slots([slot], slots)[0], _source(source, slots, results))
        for slot, source in content["makers"]
    ]
    return ProgramRecord(_texts(content["ops"]), reads, makers, is_empty)


def _source(content: Any, slots: int, results: int) -> Source:
    kind, detail = content
    if kind in ("result", "input"):
        return kind, _slots([detail], results if kind == "result" else slots)[0]
    if kind == "view":
        position, start, shape = detail
        _require(all(type(n) is int and n >= 0 for n in (start, *shape)), "sources")
        return kind, (_slots([position], slots)[0], start, tuple(shape))
    if kind == "rows":
        rows, count = _slots(detail, results)
        return kind, (rows, count)
    if kind == "constant":
        return kind, None
    dtype, shape, data = detail
    _require(kind == "known" and all(n >= 0 for n in shape), "sources")
    return kind, (_text(dtype), tuple(shape), _text(data))


def _waiting(content: Any, slots: int) -> WaitingRecord:
    inputs, outputs = _texts(content["inputs"]), _texts(content["outputs"])
    reads, writes = _slots(content["reads"], slots), _slots(content["writes"], slots)
    _require(len(reads) == len(inputs) and len(writes) == len(outputs), "waiting")
    return WaitingRecord(
        ops=_texts(content["ops"]),
        inputs=inputs,
        outputs=outputs,
        host=_reasons(content["host"]),
        constants=_texts(content["constants"]),
        for_host=_texts(content["for_host"]),
        values=_slots(content["values"], len(inputs)),
        reasons=_reasons(content["reasons"]),
        reads=reads,
        writes=writes,
    )


def _reasons(content: Any) -> Mapping[str, str]:
    _texts(list(itertools.chain(content.keys(), content.values())))
    return content  # type: ignore[no-any-return]


def _texts(content: Iterable[Any]) -> list[str]:
    return [_text(each) for each in content]


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"expected a string, received {type(value).__name__}")
    return value


def _slots(content: Sequence[Any], count: int) -> list[int]:
    _require(all(type(each) is int and 0 <= each < count for each in content), "slots")
    return list(content)


def _require(holds: bool, where: str) -> None:
    if not holds:
        raise ValueError(f"a number of its {where} is out of range")
