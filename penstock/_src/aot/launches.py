"""A plan's table of launches as a function of LLVM IR: straight code, with jumps where the table has them.

    i32 NAME(ptr inputs, ptr outputs, ptr arena, ptr constants)      0, or a number of the model's messages + 1

A kernel reads a context of 64-bit words, which is written to the stack before it is called; words that are there already are not
written again. Addresses are those of the arguments with constant offsets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.launch_table import STATUS, Jump, Label, Launch
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.native import runner

STATUS_WORDS = 16
# Where the memory of a buffer is: a base, and an offset from it.
INPUT, OUTPUT, ARENA, CONSTANTS = "inputs", "outputs", "arena", "constants"


@dataclass(frozen=True)
class Place:
    """An address: bytes past an argument of the function; of "inputs" and "outputs" past the array with this number."""

    base: str
    offset: int
    number: int = 0


@dataclass
class _Text:
    """The function under construction."""

    lines: list[str] = field(default_factory=list)
    serial: int = 0
    written: dict[int, Any] = field(default_factory=dict)  # what words of the context hold

    def value(self, text: str) -> str:
        self.serial += 1
        name = f"%v{self.serial}"
        self.lines.append(f"  {name} = {text}")
        return name

    def add(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def block(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def fresh(self, hint: str) -> str:
        self.serial += 1
        return f"{hint}{self.serial}"


def launch_function(
    name: str,
    plan: Plan,
    place_of: Callable[[Buffer], Place],
    kernels: Mapping[tuple[str, str], str],
    messages: Sequence[int],
    runs_tasks: str | None = None,
) -> str:
    """The text of the function.

    Args:
      name: what it is called.
      plan: what it does.
      place_of: where buffers are that are not inside of others.
      kernels: what functions of codes are called: (key, name) -> name.
      messages: for each error of the plan, then for each condition, the number of the model's message.
      runs_tasks: the function (fn, context, tasks) that runs tasks on several threads; None: they run here.
    """
    text = _Text()
    labels = {record: f"at{i}" for i, record in enumerate(plan.launches) if type(record) is Label}
    widest = max((len(r.args) for r in plan.launches if isinstance(r, Launch)), default=1)

    def address(buffer: Buffer, offset: int = 0) -> str:
        while buffer.inside is not None:
            offset += buffer.offset
            buffer = buffer.inside
        place = place_of(buffer)
        base = f"%{place.base}"
        if place.base in (INPUT, OUTPUT):
            slot = text.value(f"getelementptr ptr, ptr {base}, i64 {place.number}")
            base = text.value(f"load ptr, ptr {slot}")
        at = place.offset + offset
        return text.value(f"getelementptr i8, ptr {base}, i64 {at}") if at else base

    def word(argument: Any) -> str:
        offset = 0
        if isinstance(argument, tuple):
            argument, offset = argument
        if argument is STATUS:
            return text.value("ptrtoint ptr %status to i64")
        if not isinstance(argument, Buffer):
            return str(int(argument) + offset)
        return text.value(f"ptrtoint ptr {address(argument, offset)} to i64")

    def launch(record: Launch) -> None:
        for i, argument in enumerate(record.args):
            if i in text.written and _same(text.written[i], argument):
                continue
            found = word(argument)
            slot = text.value(f"getelementptr i64, ptr %context, i64 {i}")
            text.add(f"store i64 {found}, ptr {slot}")
            text.written[i] = argument
        called = kernels[record.code.key, record.function]
        _run_tasks(text, called, record.tasks, runs_tasks)
        if any(argument is STATUS for argument in record.args):
            _end_if_failed(text)

    def jump(record: Jump) -> None:
        if record.operation == runner.HOLD:  # nothing interrupts a run
            return
        if record.operation == runner.JUMP:
            text.add(f"br label %{labels[record.target]}")
            text.block(text.fresh("after"))
        elif record.operation == runner.JUMP_UNLESS:
            byte = text.value(f"load i8, ptr {address(record.args[0])}")
            holds = text.value(f"icmp ne i8 {byte}, 0")
            following = text.fresh("after")
            text.add(f"br i1 {holds}, label %{following}, label %{labels[record.target]}")
            text.block(following)
        elif record.operation == runner.SWITCH:
            index = text.value(f"load i32, ptr {address(record.args[0])}")
            targets = [labels[target] for target in record.args[1:]]
            cases = " ".join(f"i32 {i}, label %{x}" for i, x in enumerate(targets[:-1]))
            text.add(f"switch i32 {index}, label %{targets[-1]} [ {cases} ]")
            text.block(text.fresh("after"))
        else:
            raise InternalError(f"Unknown record of a launch table: {record.operation}.")
        text.written.clear()

    for record in plan.launches:
        if isinstance(record, Launch):
            launch(record)
        elif isinstance(record, Label):
            text.add(f"br label %{labels[record]}")
            text.block(labels[record])
            text.written.clear()
        else:
            jump(record)
    for i, (_, buffer) in enumerate(plan.conditions):
        byte = text.value(f"load i8, ptr {address(buffer)}")
        holds = text.value(f"icmp ne i8 {byte}, 0")
        _end_unless(text, holds, str(messages[len(plan.errors) + i] + 1))
    text.add("ret i32 0")
    failed = _failed(text, messages[: len(plan.errors)])
    body = "\n".join([*text.lines, *failed])
    return (
        f"define internal i32 @{name}(ptr %inputs, ptr %outputs, ptr %arena, ptr %constants) #0 {{\nentry:\n"
        f"  %context = alloca [{max(widest, 1)} x i64], align 16\n"
        f"  %status = alloca [{STATUS_WORDS} x i64], align 16\n"
        f"  store i64 0, ptr %status\n{body}\n}}\n"
    )


def _same(known: Any, argument: Any) -> bool:
    if isinstance(known, tuple) and isinstance(argument, tuple):
        return known[0] is argument[0] and known[1] == argument[1]
    if isinstance(known, int) and isinstance(argument, int):
        return int(known) == int(argument)
    return known is argument


def _run_tasks(text: _Text, called: str, tasks: int, runs_tasks: str | None) -> None:
    """Runs a kernel's tasks: shared out to threads if there are, else one after the other."""
    if tasks == 1:
        text.add(f"call void @{called}(ptr %context, i64 0, i64 0)")
        return
    if runs_tasks is not None:
        text.add(f"call void @{runs_tasks}(ptr @{called}, ptr %context, i64 {tasks})")
        return
    before, loop, done = (text.fresh(hint) for hint in ("before", "loop", "done"))
    text.add(f"br label %{before}")
    text.block(before)
    text.add(f"br label %{loop}")
    text.block(loop)
    task, following = f"%{loop}.task", f"%{loop}.following"
    text.add(f"{task} = phi i64 [ 0, %{before} ], [ {following}, %{loop} ]")
    text.add(f"call void @{called}(ptr %context, i64 {task}, i64 0)")
    text.add(f"{following} = add i64 {task}, 1")
    more = text.value(f"icmp ult i64 {following}, {tasks}")
    text.add(f"br i1 {more}, label %{loop}, label %{done}")
    text.block(done)


def _end_if_failed(text: _Text) -> None:
    code = text.value("load i64, ptr %status")
    fine, following = text.value(f"icmp eq i64 {code}, 0"), text.fresh("after")
    text.add(f"br i1 {fine}, label %{following}, label %failed")
    text.block(following)


def _end_unless(text: _Text, holds: str, code: str) -> None:
    ends, following = text.fresh("ends"), text.fresh("after")
    text.add(f"br i1 {holds}, label %{following}, label %{ends}")
    text.block(ends)
    text.add(f"ret i32 {code}")
    text.block(following)


def _failed(text: _Text, messages: Sequence[int]) -> list[str]:
    """The block that gives the message of the code in the status."""
    cases = " ".join(f"i64 {i + 1}, label %failed{i}" for i in range(len(messages)))
    lines = [
        "failed:",
        "  %code = load i64, ptr %status",
        f"  switch i64 %code, label %unknown [ {cases} ]",
        "unknown:",
        "  ret i32 -1",
    ]
    for i, message in enumerate(messages):
        lines += [f"failed{i}:", f"  ret i32 {message + 1}"]
    return lines
