"""Plants faults in what the compiler asks of unknown extents, and says which random program finds each: a test of the fuzzer.

    python -m tests.fuzz.programs.planted                              every fault, each in a process of its own
    python -m tests.fuzz.programs.planted --fault "a sum's quotient"   one
    python -m tests.fuzz.programs.planted --programs 1000 --first 50   how many programs are drawn at most, and the first seed

Programs are drawn and run as `make fuzz` does. A fault that none of the first few hundred finds shows what is drawn too seldom.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.compiler.blocks import input_form
from penstock._src.compiler.plan import sizes
from penstock._src.ir.extents import dims, functions, guards
from tests.fuzz.programs import oracles
from tests.fuzz.programs.drawing import draw
from tests.fuzz.programs.worker import LIMIT, ways_of


def replace(module: ModuleType, name: str, new: Callable[..., Any]) -> None:
    """Puts a function in place of one of a module, also where others have imported that by its name."""
    old = getattr(module, name)
    for other in [m for key, m in sys.modules.items() if key.startswith("penstock")]:
        if getattr(other, name, None) is old:
            setattr(other, name, new)


def repeated_axes() -> None:
    """Asks no call whether an axis that a broadcast repeats is 1."""
    replace(dims, "is_repeated", lambda a, b: dims.is_one(a) and not dims.is_one(b))


def unequal_extents() -> None:
    """Leaves out conditions by which an extent is not a number, or not another extent."""

    def forget(self: guards.Recording, difference: Any) -> bool:
        before = {p: set(b.excluded) for p, b in self.conditions.items()}
        is_zero = decide(self, difference)
        for polynomial, bounds in self.conditions.items():
            bounds.excluded = before.get(polynomial, set())
        return is_zero

    decide, guards.Recording._decide_zero = guards.Recording._decide_zero, forget  # type: ignore[method-assign]


def equal_extents() -> None:
    """Leaves out conditions by which an extent is a number, or another extent."""

    def forget(self: guards.Recording, difference: Any) -> bool:
        before = {p: b.copy() for p, b in self.conditions.items()}
        is_zero = decide(self, difference)
        if is_zero:
            self.conditions = before
        return is_zero

    decide, guards.Recording._decide_zero = guards.Recording._decide_zero, forget  # type: ignore[method-assign]


def order() -> None:
    """Leaves out conditions by which an extent is more than another."""

    def forget(self: guards.Recording, difference: Any) -> bool:
        before = {p: b.copy() for p, b in self.conditions.items()}
        is_positive = decide(self, difference)
        self.conditions = before
        return is_positive

    decide, guards.Recording._decide_positive = guards.Recording._decide_positive, forget  # type: ignore[method-assign]


def equal_by_accident() -> None:
    """Takes inputs for ones of a program's form of which two extents are not equal, as they were for the call that it was made for."""

    def extents(self: input_form.InputForm, values: Any) -> Any:
        shapes = [np.empty(v.shape, np.bool_) if isinstance(v, np.ndarray) else v for v in values]
        places: dict[int, tuple[int, int]] = {}
        for position, _, _, unknown in self._shapes:
            for axis, place in unknown:
                at, along = places.setdefault(place, (position, axis))
                if isinstance(shapes[position], np.ndarray) and position != at:
                    shape = list(shapes[position].shape)
                    shape[axis : axis + 1] = shapes[at].shape[along : along + 1]
                    shapes[position] = np.empty(shape, np.bool_)
        return exact(self, shapes) if not self._others else exact(self, values)

    exact, input_form.InputForm.extents = input_form.InputForm.extents, extents  # type: ignore[method-assign]


def at_most() -> None:
    """Takes an extent that may be one more than another for one that is no more."""
    replace(dims, "is_at_most", lambda a, most: dims.is_known_positive(most - a + 2))


def least_symbol() -> None:
    """Takes extents of 2 for more."""
    replace(dims, "least", lambda symbol: 3)


def product_of_extents() -> None:
    """Takes a product of two extents for their sum where the largest it can be is asked."""

    def most(self: guards.Recording, monomial: tuple) -> int | None:
        total = 0
        for _, atom in monomial:
            low, high = self.ends_of_atom(atom)
            if low is None or high is None:
                return None
            total += high - low
        return total

    guards.Recording._most = most  # type: ignore[method-assign]


def remainder_of_remainder() -> None:
    """Takes n % 6 % 4 for n % 4."""

    def reduced(a: Any, b: int) -> Any:
        terms: dict[tuple, int] = {}
        for monomial, coefficient in a:
            parts: Any = ((monomial, coefficient),)
            if len(monomial) == 1 and monomial[0][0] == "mod":
                parts = dims._product(monomial[0][1], (((), coefficient),))
            for each, count in parts:
                terms[each] = (terms.get(each, 0) + count) % b
        return dims._ordered(terms)

    replace(dims, "_reduced", reduced)


def sum_quotient() -> None:
    """Takes (n + m) // 2 for n // 2 + m // 2."""
    one_quotient = dims._quotient

    def quotient(a: Any, b: Any) -> Any:
        if isinstance(b, dims.Dim) or len(terms := dims.expression(a)) < 2 or int(b) < 2:
            return one_quotient(a, b)
        return sum(one_quotient(dims.of((term,)), b) for term in terms)

    replace(dims, "_quotient", quotient)


def divided_product() -> None:
    """Takes n * m // m for m."""

    def divided(a: Any, b: Any) -> Any:
        found = divide(a, b)
        return b if found is not None and len(a) == 1 and len(a[0][0]) == 2 else found

    divide = dims._divide_by_monomial
    replace(dims, "_divide_by_monomial", divided)


def negative_remainder() -> None:
    """Takes -n % 4 for the remainder with the sign of -n, natively."""
    row = sizes.SizingProgram._row

    def other(self: sizes.SizingProgram, operation: int, a: int, b: int = 0, c: int = 0) -> int:
        if operation != sizes.sizing.REMAINDER:
            return row(self, operation, a, b, c)
        minus = row(self, sizes.sizing.CONSTANT, -1)
        positive = row(self, sizes.sizing.MAXIMUM, a, row(self, sizes.sizing.MULTIPLY, a, minus))
        return row(self, operation, positive, b)

    sizes.SizingProgram._row = other  # type: ignore[method-assign]


def table_entry() -> None:
    """Takes the entry of a table before the one that an extent chooses."""
    entry = functions.entry
    replace(functions, "entry", lambda t, i: entry(t, i - isinstance(i, dims.Dim)))


def smaller_extent() -> None:
    """Takes the smaller of two extents to be the first where they differ by one at most."""
    one_choice = dims._choice

    def choice(function: str, a: Any, b: Any) -> Any:
        values = dims.extent_values.current_or_none()
        both = isinstance(a, dims.Dim) and isinstance(b, dims.Dim)
        if values is None or not both or abs(dims.number(a) - dims.number(b)) > 1:
            return one_choice(function, a, b)
        return a

    replace(dims, "_choice", choice)


def sizes_of_first_call() -> None:
    """Gives buffers the rooms that they had in the call for which a plan was made."""

    def room_of(buffer: Any) -> Any:
        return dims.number(room(buffer))

    room = sizes.room
    sizes.room = room_of


FAULTS: dict[str, Callable[[], None]] = {
    "repeated axes": repeated_axes,
    "unequal extents": unequal_extents,
    "equal extents": equal_extents,
    "order": order,
    "equal by accident": equal_by_accident,
    "one more": at_most,
    "least symbol": least_symbol,
    "a product's end": product_of_extents,
    "a remainder's remainder": remainder_of_remainder,
    "a sum's quotient": sum_quotient,
    "a product's quotient": divided_product,
    "a negative remainder": negative_remainder,
    "a table's entry": table_entry,
    "smaller of two": smaller_extent,
    "sizes of the first call": sizes_of_first_call,
}  # fmt: skip


def search(fault: str, first: int, programs: int, finds: int) -> list[tuple[int, int, str]]:
    """The seeds that find a planted fault: how many programs were run before, and what came of it."""
    FAULTS[fault]()
    resource.setrlimit(resource.RLIMIT_AS, (2 * LIMIT, 2 * LIMIT))  # faults may make sizes large
    found: list[tuple[int, int, str]] = []
    run, seed = 0, first
    while run < programs and len(found) < finds:
        with oracles.eagerly(tf):
            program = draw(tf, seed)
        if program is not None:
            run += 1
            ways = [way for way in ways_of(seed) if way != "tensorflow"]
            try:
                failures = oracles.check(tf, program, ways)
            except MemoryError:
                failures = [oracles.Failure(ways[-1], "error", "MemoryError", 0)]
            for failure in failures[:1]:
                found.append((run, seed, f"{failure.way}: {failure.kind}: {failure.what[:80]}"))
        seed += 1
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--programs", type=int, default=300, help="for each fault, at most")
    parser.add_argument("--finds", type=int, default=1, help="how many programs are to find it")
    options = parser.parse_args()
    if options.fault is None:
        rest = [f"--{n}={getattr(options, n)}" for n in ("first", "programs", "finds")]
        command = [sys.executable, "-m", "tests.fuzz.programs.planted", *rest, "--fault"]
        environment = {**os.environ, "PENSTOCK_CACHE_DIR": "none", "PENSTOCK_OPTIMIZE": "0"}
        return sum(subprocess.run([*command, fault], env=environment).returncode for fault in FAULTS)  # fmt: skip
    start = time.monotonic()
    found = search(options.fault, options.first, options.programs, options.finds)
    for run, seed, what in found:
        print(f"{options.fault}: program {run}, seed {seed}: {what}", flush=True)
    if not found:
        seconds = time.monotonic() - start
        print(f"{options.fault}: not found by {options.programs} programs in {seconds:.0f} s")
    return not found


if __name__ == "__main__":
    sys.exit(main())
