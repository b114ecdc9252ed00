"""Runs sizing programs: integer code that computes the numbers of a launch table for the extents of a call.

A program is rows of OPERATION, a, b, c; row i computes register i from earlier registers. Then registers are returned as facts, or stored to
words, by rows of a word, a register, and 1 if the base address of memory is added. Registers remain: a run for the extents of the last run
computes nothing again.

    SYMBOL      number a of the call's extents
    CONSTANT    a
    ADD, MULTIPLY, MINIMUM, MAXIMUM    of registers a and b
    QUOTIENT, REMAINDER                of registers a and b, rounded down; 0 where b is 0
    ROUNDS      the number of iterations of a task (rounds_of_a_task) of registers a and b, for c threads
    WITHIN      requires that register a is from b to c
    EXCEPT      requires that register a is not b

A run returns the sum of TOO_LARGE, if a number does not fit into 64 bits (Python's ints are unbounded), and UNMET, if a requirement is not met.
In both cases its numbers must not be used.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.util.process.layouts import FREE_THREADED

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I1, I64, PTR
from ..language.value import Val

SYMBOL, CONSTANT, ADD, MULTIPLY, MINIMUM, MAXIMUM, QUOTIENT, REMAINDER, ROUNDS = range(9)
WITHIN, EXCEPT = 9, 10
TOO_LARGE, UNMET = 1, 2
ROW_WORDS, STORE_WORDS = 4, 3

GRAIN = 1 << 14  # element operations of a task
MOST_TASKS = 8  # limit of tasks per thread of a nest, unless tasks are long
MOST_LONG_TASKS = 1 << 12
LONG = 1 << 24  # element operations of a task for which Ctrl-C would wait
# Times the shortest time, as a fraction: many small tasks suit threads that lose their cores.
EVEN = (
    26,
    25,
)


def rounds_of_a_task(total: int, work: int, threads: int) -> int:
    """The number of iterations of a task, of `total` with this work together, so that all threads end at the same time."""
    long = min(work // LONG, MOST_LONG_TASKS)
    if threads == 1:
        return _ceil_divide(total, max(1, long))
    most = min(total, _ceil_divide(work, GRAIN), max(MOST_TASKS * threads, long))
    if most <= 1:
        return total

    def longest(tasks: int) -> int:
        """Iterations of the thread that has most."""
        per = _ceil_divide(total, tasks)
        return _ceil_divide(_ceil_divide(total, per), threads) * per

    # Multiples of the threads, so that none has one task more than the others.
    counts = {most, *range(threads, most, threads)}
    least = min(map(longest, counts))
    # Of the divisions that are about as fast as the fastest, the one with the smallest tasks.
    even = max(c for c in counts if EVEN[1] * longest(c) <= EVEN[0] * least)
    return _ceil_divide(total, even)


def _ceil_divide(a: int, b: int) -> int:
    return -(-a // b)


class Sizing(NamedTuple):
    """Builtins. They hold the GIL, so that threads may share a program with its registers; see `_Copies` for a Python without it.

    facts (program, symbols) -> the registers of the program's facts as a tuple, or the failures
    size  (program, symbols, stores int64 [stored, STORE_WORDS], stored, numbers int64, address of memory) -> 0, or the failures

    `program` is the array of a Calculation, `symbols` are the call's extents as bytes of int64.
    """

    facts: Callable[..., tuple[int, ...] | int]
    size: Callable[..., int]


class Calculation:
    """A finished program with its registers.

    facts, size  the builtins of Sizing, without their first argument
    """

    def __init__(self, rows: Any, symbols: int, facts: Sequence[int] = ()) -> None:
        """`rows` is an array or list, `symbols` the number of the call's extents, `facts` are the registers that are read back."""
        rows = np.asarray(rows, np.int64).reshape(-1, ROW_WORDS)
        facts_at = HEADER_WORDS + rows.size
        memory_at = facts_at + len(facts)
        program = np.zeros(memory_at + len(rows) + STATE_WORDS + symbols, np.int64)
        program[:HEADER_WORDS] = len(rows), symbols, len(facts), facts_at, memory_at
        program[HEADER_WORDS:facts_at] = rows.ravel()
        program[facts_at:memory_at] = facts
        builtins = sizing()
        if FREE_THREADED:
            copies = _Copies(program)
            self.facts = functools.partial(copies.call, builtins.facts)
            self.size = functools.partial(copies.call, builtins.size)
            return
        self.facts = functools.partial(builtins.facts, program)
        self.size = functools.partial(builtins.size, program)


class _Copies:
    """Copies of a program, one for each call that runs at the same time: without the GIL, calls would overwrite one another's registers."""

    def __init__(self, program: np.ndarray) -> None:
        self._program, self._free = program, [program.copy()]

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function with a copy that no other call has; the newest of the free ones, whose registers may be those of these extents."""
        try:
            own = self._free.pop()
        except IndexError:
            own = self._program.copy()
        result = function(own, *arguments)
        self._free.append(own)
        return result


# After the registers: failures of the last run, 1 if there was one; its symbols follow.
FAILURES, HAS_RUN, STATE_WORDS = range(3)
# The first words of a program; its rows follow, then the registers of its facts, then its own registers.
ROW_COUNT, SYMBOL_COUNT, FACT_COUNT, FACTS_AT, MEMORY_AT, HEADER_WORDS = range(6)


@compiled(Sizing)
def sizing(m: Module) -> None:
    """The functions that run programs, compiled."""
    with m.fn("divided", ret=I64, internal=True, a=I64, b=I64, wants_rest=I64) as f:
        _emit_divided(f)
    with m.fn("longest", ret=I64, internal=True, total=I64, tasks=I64, threads=I64) as f:
        per = _ceil_quotient(f.total, f.tasks)
        f.give(_ceil_quotient(_ceil_quotient(f.total, per), f.threads) * per)
    with m.fn("rounds", ret=I64, internal=True, total=I64, work=I64, threads=I64) as f:
        _emit_rounds(f)
    with m.fn("computed", ret=I64, internal=True, noalias=False, program=PTR, symbols=PTR) as f:
        _emit_computed(f)
    with m.fn("facts", ret=PTR, internal=True, noalias=False, program=PTR, symbols=PTR) as f:
        failures = f.call("computed", f.program, f.symbols, ret=I64)
        registers, facts = _part(f, MEMORY_AT), _part(f, FACTS_AT)

        def numbers() -> tuple[Val, ...]:
            def number(i: Val) -> Val:
                return f.load(registers, f.load(facts, i, I64), I64)

            return (py.tuple_of_integers(f, f.load(f.program, FACT_COUNT, I64), number),)

        def failed() -> tuple[Val, ...]:
            return (f.call("PyLong_FromLongLong", failures, ret=PTR),)

        f.give(f.when(failures.eq(0), numbers, failed)[0])
    with m.fn("size", ret=I64, internal=True, noalias=False, program=PTR, symbols=PTR,
              stores=PTR, stored=I64, numbers=PTR, base=I64) as f:  # fmt: skip
        failures = f.call("computed", f.program, f.symbols, ret=I64)
        memory = _part(f, MEMORY_AT)

        def put(i: Val) -> None:
            store = f.at(f.stores, i * STORE_WORDS, I64)
            number = f.load(memory, f.load(store, 1, I64), I64)
            start = f.select(f.load(store, 2, I64).ne(0), f.base, f.i64(0))
            f.store(number + start, f.numbers, f.load(store, 0, I64))

        f.loop(f.i64(0), f.stored, 1, put)
        f.give(failures)
    py.emit_entry(m, "facts", "ab", holds_gil=True, ret=PTR)
    py.emit_entry(m, "size", "abanan", holds_gil=True)


def _part(f: Fn, start: int) -> Val:
    """The address of the part of the program whose index is in a word."""
    return f.at(f.program, f.load(f.program, start, I64), I64)


def _emit_computed(f: Fn) -> None:
    """Computes the registers, unless they are those of these symbols, and returns the failures."""
    rows, registers = f.at(f.program, HEADER_WORDS, I64), _part(f, MEMORY_AT)
    count, symbols = f.load(f.program, ROW_COUNT, I64), f.load(f.program, SYMBOL_COUNT, I64)
    state = f.at(registers, count, I64)
    last = f.at(state, STATE_WORDS, I64)

    def compare(i: Val, same: Val) -> tuple[Val, ...]:
        return (same & f.load(last, i, I64).eq(f.load(f.symbols, i, I64)),)

    def row(i: Val, wrong: Val) -> tuple[Val, ...]:
        record = f.at(rows, i * ROW_WORDS, I64)
        value, wrong = _computed(f, registers, record, wrong)
        f.store(value, registers, i)
        return (wrong,)

    def compute() -> None:
        (wrong,) = f.loop(f.i64(0), count, 1, row, f.i64(0))
        f.store(wrong, state, FAILURES)
        f.store(f.i64(1), state, HAS_RUN)
        f.loop(f.i64(0), symbols, 1, lambda i: f.store(f.load(f.symbols, i, I64), last, i))

    # Calls mostly come with the sizes of the call before: comparing is all that they cost.
    (same,) = f.loop(f.i64(0), symbols, 1, compare, f.load(state, HAS_RUN, I64).ne(0))
    f.when(same, lambda: (), compute)
    f.give(f.load(state, FAILURES, I64))


def _computed(f: Fn, registers: Val, record: Val, wrong: Val) -> tuple[Val, Val]:
    """Return a row's result, and the errors so far."""
    operation, a, b, c = (f.load(record, i, I64) for i in range(ROW_WORDS))

    def both() -> tuple[Val, Val]:
        return f.load(registers, a, I64), f.load(registers, b, I64)

    def exact(name: str) -> tuple[Val, Val]:
        x, y = both()
        pair = "{ i64, i1 }"
        function = f"llvm.{name}.with.overflow.i64"
        f.module.declare(f"declare {pair} @{function}(i64, i64)", function)
        result = f.emit(pair, f"call {pair} @{function}(i64 {x.s}, i64 {y.s})")
        value = f.emit(I64, f"extractvalue {pair} {result.s}, 0")
        return value, noted(f.emit(I1, f"extractvalue {pair} {result.s}, 1"), TOO_LARGE)

    def noted(is_wrong: Val, what: int) -> Val:
        return wrong | f.select(is_wrong, f.i64(what), f.i64(0))

    def within() -> tuple[Val, Val]:
        x = f.load(registers, a, I64)
        return x, noted((x < b) | (x > c), UNMET)

    def unequal() -> tuple[Val, Val]:
        x = f.load(registers, a, I64)
        return x, noted(x.eq(b), UNMET)

    ways: dict[int, Callable[[], tuple[Val, Val]]] = {
        ADD: lambda: exact("sadd"),
        MULTIPLY: lambda: exact("smul"),
        CONSTANT: lambda: (a, wrong),
        MAXIMUM: lambda: (f.max(*both()), wrong),
        QUOTIENT: lambda: (f.call("divided", *both(), 0, ret=I64), wrong),
        MINIMUM: lambda: (f.min(*both()), wrong),
        ROUNDS: lambda: (f.call("rounds", *both(), c, ret=I64), wrong),
        SYMBOL: lambda: (f.load(f.symbols, a, I64), wrong),
        REMAINDER: lambda: (f.call("divided", *both(), 1, ret=I64), wrong),
        WITHIN: within,
        EXCEPT: unequal,
    }

    def choice(left: list[int]) -> tuple[Val, ...]:
        first, *others = left
        if not others:
            return ways[first]()
        return f.when(operation.eq(first), ways[first], lambda: choice(others))

    value, wrong = choice(list(ways))
    return value, wrong


def _emit_divided(f: Fn) -> None:
    """Returns the quotient, or the remainder if it is wanted, rounded down; 0 where b is 0."""
    a, b = f.a, f.b
    is_none = b.eq(0)
    is_negation = b.eq(-1)  # dividing the least number by -1 would trap
    divisor = f.select(is_none | is_negation, f.i64(1), b)
    quotient = f.emit(I64, f"sdiv i64 {a.s}, {divisor.s}")
    rest = a - quotient * divisor
    # sdiv rounds to zero; floor division, as Python's, is one less where signs differ.
    is_above = rest.ne(0) & ((rest ^ divisor) < 0)
    quotient = quotient - f.convert(is_above, I64, signed=False)
    rest = f.select(is_above, rest + divisor, rest)
    quotient = f.select(is_negation, -a, quotient)
    f.give(f.select(is_none, f.i64(0), f.select(f.wants_rest.ne(0), rest, quotient)))


def _ceil_quotient(x: Val, y: Val) -> Val:
    return (x + (y - 1)) // y


def _emit_rounds(f: Fn) -> None:
    """Returns rounds_of_a_task, of numbers that are not negative."""
    total, work, threads = f.total, f.work, f.threads

    def longest(tasks: Val) -> Val:
        return f.call("longest", total, tasks, threads, ret=I64)

    long = f.min(work // LONG, MOST_LONG_TASKS)
    most = f.min(
        f.min(total, _ceil_quotient(work, f.i64(GRAIN))), f.max(threads * MOST_TASKS, long)
    )

    def shared_out() -> tuple[Val, ...]:
        def shortest(tasks: Val, least: Val) -> tuple[Val, ...]:
            return (f.min(least, longest(tasks)),)

        whole = longest(most)
        (least,) = f.loop(threads, most, threads, shortest, whole)

        def even(tasks: Val, chosen: Val) -> tuple[Val, ...]:
            return (f.select(longest(tasks) * EVEN[1] <= least * EVEN[0], tasks, chosen),)

        (tasks_found,) = f.loop(threads, most, threads, even, f.i64(1))
        is_even = whole * EVEN[1] <= least * EVEN[0]
        return (_ceil_quotient(total, f.select(is_even, most, tasks_found)),)

    def several() -> tuple[Val, ...]:
        return f.when(most <= 1, lambda: (total,), shared_out)

    alone = _ceil_quotient(total, f.max(long, 1))
    f.give(f.when(threads.eq(1), lambda: (alone,), several)[0])
