"""A plan's table of launches as a function of LLVM IR: straight code, with jumps where the table has them.

    i32 NAME(ptr inputs, ptr outputs, ptr arena, ptr constants)      0, or a number of the model's messages + 1

A kernel reads a context of 64-bit words, which is written to the stack before it is called; words that are there already are not
written again. Addresses are those of the arguments with constant offsets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import STATUS, Jump, Label, Launch
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.native import runner

STATUS_WORDS = 16
# The location of a buffer's memory: a base, and an offset from it.
INPUT, OUTPUT, ARENA, CONSTANTS = "inputs", "outputs", "arena", "constants"


@dataclass(frozen=True)
class Place:
    """An address: bytes past an argument of the function; of "inputs" and "outputs" past the array with this number."""

    base: str
    offset: int
    number: int = 0


class LaunchFunction:
    """The function of a plan under construction.

    Args:
      plan: what it does.
      place_of: where buffers are that are not inside of others.
      kernels: what functions of codes are called: (key, name) -> name.
      messages: for each error of the plan, then for each condition, the number of the model's message.
      runs_tasks: the function (fn, context, tasks, threads) that runs tasks on several threads; None: they run here.
    """

    def __init__(
        self,
        plan: Plan,
        place_of: Callable[[Buffer], Place],
        kernels: Mapping[tuple[str, str], str],
        messages: Sequence[int],
        runs_tasks: str | None = None,
    ) -> None:
        self.plan, self.place_of, self.kernels = plan, place_of, kernels
        self.messages, self.runs_tasks = messages, runs_tasks
        self.lines: list[str] = []
        self.serial = 0
        self.written: dict[int, Any] = {}  # what words of the context hold
        labels = [record for record in plan.launches if type(record) is Label]
        self.labels = {label: f"at{i}" for i, label in enumerate(labels)}

    def text(self, name: str) -> str:
        """The text of the function."""
        for record in self.plan.launches:
            if isinstance(record, Launch):
                self.launch(record)
            elif isinstance(record, Label):
                self.add(f"br label %{self.labels[record]}")
                self.block(self.labels[record])
                self.written.clear()
            else:
                self.jump(record)
        self.look_at_conditions()
        self.add("ret i32 0")
        self.end_failed()
        launches = [record for record in self.plan.launches if isinstance(record, Launch)]
        words = max((len(record.args) for record in launches), default=1)
        body = "\n".join(self.lines)
        return (
            f"define internal i32 @{name}(ptr %inputs, ptr %outputs, ptr %arena, ptr %constants) #0 {{\nentry:\n"
            f"  %context = alloca [{max(words, 1)} x i64], align 16\n"
            f"  %status = alloca [{STATUS_WORDS} x i64], align 16\n"
            f"  store i64 0, ptr %status\n{body}\n}}\n"
        )

    # -- instructions
    def value(self, text: str) -> str:
        """Adds an instruction; returns the name of its value."""
        self.serial += 1
        self.add(f"%v{self.serial} = {text}")
        return f"%v{self.serial}"

    def add(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def block(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def fresh(self, hint: str) -> str:
        self.serial += 1
        return f"{hint}{self.serial}"

    # -- records
    def address(self, buffer: Buffer, offset: int = 0) -> str:
        """The address of a buffer and an offset in it."""
        buffer, start = memory_of((buffer, offset))
        place = self.place_of(buffer)
        base = f"%{place.base}"
        if place.base in (INPUT, OUTPUT):
            slot = self.value(f"getelementptr ptr, ptr {base}, i64 {place.number}")
            base = self.value(f"load ptr, ptr {slot}")
        at = place.offset + start
        return self.value(f"getelementptr i8, ptr {base}, i64 {at}") if at else base

    def word(self, argument: Any) -> str:
        """The word of an argument."""
        argument, offset = memory_of(argument)
        if argument is STATUS:
            return self.value("ptrtoint ptr %status to i64")
        if not isinstance(argument, Buffer):
            return str(int(argument) + offset)
        return self.value(f"ptrtoint ptr {self.address(argument, offset)} to i64")

    def launch(self, record: Launch) -> None:
        """Writes the context and runs a kernel's tasks."""
        for i, argument in enumerate(record.args):
            if i in self.written and _same(self.written[i], argument):
                continue
            address = self.word(argument)
            slot = self.value(f"getelementptr i64, ptr %context, i64 {i}")
            self.add(f"store i64 {address}, ptr {slot}")
            self.written[i] = argument
        self.run_tasks(self.kernels[record.code.key, record.function], record.tasks)
        if any(argument is STATUS for argument in record.args):
            code = self.value("load i64, ptr %status")
            fine, following = self.value(f"icmp eq i64 {code}, 0"), self.fresh("after")
            self.add(f"br i1 {fine}, label %{following}, label %failed")
            self.block(following)

    def run_tasks(self, called: str, tasks: int) -> None:
        """Shares tasks out to threads if there are any, else runs one after the other."""
        if tasks == 1:
            self.add(f"call void @{called}(ptr %context, i64 0, i64 0)")
            return
        if self.runs_tasks is not None:
            arguments = f"ptr @{called}, ptr %context, i64 {tasks}, i64 {self.plan.threads}"
            self.add(f"call void @{self.runs_tasks}({arguments})")
            return
        before, loop, done = (self.fresh(hint) for hint in ("before", "loop", "done"))
        self.add(f"br label %{before}")
        self.block(before)
        self.add(f"br label %{loop}")
        self.block(loop)
        task, following = f"%{loop}.task", f"%{loop}.following"
        self.add(f"{task} = phi i64 [ 0, %{before} ], [ {following}, %{loop} ]")
        self.add(f"call void @{called}(ptr %context, i64 {task}, i64 0)")
        self.add(f"{following} = add i64 {task}, 1")
        more = self.value(f"icmp ult i64 {following}, {tasks}")
        self.add(f"br i1 {more}, label %{loop}, label %{done}")
        self.block(done)

    def jump(self, record: Jump) -> None:
        """Jump to another record, conditionally or not."""
        if record.operation == runner.HOLD:  # nothing interrupts a run
            return
        if record.operation == runner.JUMP:
            self.add(f"br label %{self.labels[record.target]}")
        elif record.operation == runner.JUMP_UNLESS:
            following = self.fresh("after")
            holds, target = self.truth(record.args[0]), self.labels[record.target]
            self.add(f"br i1 {holds}, label %{following}, label %{target}")
            self.block(following)
            self.written.clear()
            return
        elif record.operation == runner.SWITCH:
            index = self.value(f"load i32, ptr {self.address(record.args[0])}")
            targets = [self.labels[target] for target in record.args[1:]]
            cases = " ".join(f"i32 {i}, label %{x}" for i, x in enumerate(targets[:-1]))
            self.add(f"switch i32 {index}, label %{targets[-1]} [ {cases} ]")
        else:
            raise InternalError(f"Unknown record of a launch table: {record.operation}.")
        self.block(self.fresh("after"))
        self.written.clear()

    def truth(self, buffer: Buffer) -> str:
        """A bool in memory as an i1."""
        byte = self.value(f"load i8, ptr {self.address(buffer)}")
        return self.value(f"icmp ne i8 {byte}, 0")

    # -- ends
    def look_at_conditions(self) -> None:
        """Ends with the message of the first check that does not hold."""
        for i, (_, buffer) in enumerate(self.plan.conditions):
            holds, ends, following = self.truth(buffer), self.fresh("ends"), self.fresh("after")
            self.add(f"br i1 {holds}, label %{following}, label %{ends}")
            self.block(ends)
            self.add(f"ret i32 {self.messages[len(self.plan.errors) + i] + 1}")
            self.block(following)

    def end_failed(self) -> None:
        """The block that gives the message of the code in the status."""
        messages = self.messages[: len(self.plan.errors)]
        cases = " ".join(f"i64 {i + 1}, label %failed{i}" for i in range(len(messages)))
        self.block("failed")
        self.add("%code = load i64, ptr %status")
        self.add(f"switch i64 %code, label %unknown [ {cases} ]")
        self.block("unknown")
        self.add("ret i32 -1")
        for i, message in enumerate(messages):
            self.block(f"failed{i}")
            self.add(f"ret i32 {message + 1}")


def _same(known: Any, argument: Any) -> bool:
    if isinstance(known, tuple) and isinstance(argument, tuple):
        return known[0] is argument[0] and known[1] == argument[1]
    if isinstance(known, int) and isinstance(argument, int):
        return int(known) == int(argument)
    return known is argument
