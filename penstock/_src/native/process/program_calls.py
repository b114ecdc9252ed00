"""Whole calls of a program as one builtin: the checks of its arguments, the arrays of its results, and the run, where Python takes some 3 us.

Such a call serves what nearly all calls are: plain arrays, variables without other references, a table whose arena is free, no observer of runs. It
gives None for any other call, before anything has changed, and the caller takes the long way.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.values.memory import OWN_BLOCKS

from .. import python_calls as py
from ..builtins import method
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I1, I32, I64, PTR
from ..language.value import Val
from .array_forms import PLAIN, WRITABLE, false, has_form, true

MOST_ARRAYS = 128  # arguments, results and packed weights, whose addresses are on the stack
# Words of a description. The second to fourth are those of `array_forms`: the type of arrays, and the types of memory that is an array's own.
(_COUNT, _ARRAY_TYPE, _OWN, _OWN_2, _LIST_TYPE, _FALSE, _TRUE, _NONE, _VALUE, _CLAIM, _RELEASE, _PROGRAM_NAME,
 _TABLE, _PROGRAM, _RUN, _FAILED, _RESULTS, _RESULTS_AT, _PACKED, _PACKED_AT, _EMPTY) = range(21)  # fmt: skip
_MOST_EMPTY = 4
_FORMS = _EMPTY + _MOST_EMPTY
_HANDLE = 0  # of each form: 0 of an array, _ANY or the address of a handle; then dtype, rank, flags and extents
_ANY, _NONE_YET = 1, 2
_FORM_WORDS = 4
_RESULT_WORDS = 3  # function, shape, dtype
_PACKED_WORDS = 3  # function, number of the argument, its last argument
_ALONE = 2  # references to the array of a variable without other owners: the variable's and that of this call


class _Description(np.ndarray):
    """The words of a call; keeps the objects alive whose addresses they hold."""

    owner: Any = ()


class ProgramCall:
    """A program's call: `call.run(values)` gives its results, or None if it has to be made the long way.

    Args:
      forms: for each argument its dtype and shape, and True if it is the handle of a variable, whose array has them.
      written: the positions of handles whose arrays the program writes.
      results: for each result the function that allocates it from shape and dtype, shape and dtype.
      packed: for each array of packed weights the function that gives it from a handle, its array and a last argument; the handle's
        position; and the last argument.
      table: has the attributes `claim(False)` and `release()` of its arena's lock, and the native `run(*arrays)`.
      program: what the table's attribute `program` has to be; None: it is not asked.
      failed: is called with the values and the code of a run that has failed; raises its error, and releases the table.
      empty: lists that must be empty.
    """

    def __init__(
        self,
        forms: Sequence[tuple[np.dtype, tuple[int, ...], bool]],
        written: Sequence[int],
        results: Sequence[tuple[Any, tuple[int, ...], np.dtype]],
        packed: Sequence[tuple[Any, int, Any]],
        table: Any,
        program: Any,
        failed: Callable[[Sequence[Any], int], Any],
        empty: Sequence[list[Any]],
    ) -> None:
        words = [0] * _FORMS
        handle_words: list[int] = []  # of the handles' addresses
        is_lone = sum(is_handle for *_, is_handle in forms) < 2
        for position, (dtype, shape, is_handle) in enumerate(forms):
            if is_handle:
                handle_words.append(len(words))
            # With several handles one variable could stand twice, which Python rules out first.
            handle = (_ANY if is_lone else _NONE_YET) if is_handle else 0
            flags = PLAIN | WRITABLE if position in written else PLAIN
            words += [handle, id(dtype), len(shape), flags, *shape]
        words[_RESULTS_AT] = len(words)
        words += [id(each) for result in results for each in result]
        words[_PACKED_AT] = len(words)
        for function, position, last in packed:
            words += [id(function), position, id(last)]
        names = ("value", "claim", "release", "program")
        fixed = {
            _COUNT: len(forms), _ARRAY_TYPE: id(np.ndarray), _LIST_TYPE: id(list), _FALSE: id(False), _TRUE: id(True), _NONE: id(None),
            _TABLE: id(table), _PROGRAM: 0 if program is None else id(program), _RUN: id(table.run), _FAILED: id(failed),
            _RESULTS: len(results), _PACKED: len(packed),
            **dict(zip((_VALUE, _CLAIM, _RELEASE, _PROGRAM_NAME), map(id, names), strict=True)),
            **{_OWN + i: id(block) for i, block in enumerate(OWN_BLOCKS)},
            **{_EMPTY + i: id((*empty, *[_NOTHING] * _MOST_EMPTY)[i]) for i in range(_MOST_EMPTY)},
        }  # fmt: skip
        for at, word in fixed.items():
            words[at] = word
        description = np.array(words, np.int64).view(_Description)
        description.owner = (
            forms, results, packed, names, table, table.run, program, failed, empty,
        )  # fmt: skip
        self._description, self._handles = description, np.array(handle_words, np.intp)
        self.run: Callable[[Sequence[Any]], list[Any] | None] = py.bind(_entry(), description)

    def expect(self, handles: Sequence[int]) -> None:
        """Serves only calls with the handles of these ids from now on, and none before if there are several: one may stand twice."""
        # At once: another thread must not meet some of these beside some of those before, or one variable twice.
        self._description[self._handles] = handles

    def expect_any(self) -> None:
        """Serves calls with any handles from now on."""
        self.expect([_ANY] * len(self._handles))


_NOTHING: list[Any] = []


@method("call_program", "references", "list")
def _entry(m: Module, name: str) -> None:
    """The call, a function of CPython's vectorcall protocol; `me` is the description."""
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _Call(f).write()


class _Call(py.DescribedCall):
    """Writes the call. `arrays` has the references that it has taken, `count` their number."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.arrays = f.alloca(I64, MOST_ARRAYS)
        self.count = f.alloca(I64)
        self.values = f.load(f.argv, 0, PTR)

    def write(self) -> None:
        f = self.f
        f.store(f.i64(0), self.count)
        f.branch(f.when(f.nargs.eq(1), self._is_served, lambda: false(f))[0], "take", "decline")
        f.start("take")
        (good,) = self._take_arguments()
        # The claim comes last of the checks: a call that is declined before has nothing to release.
        f.branch(good, "claim", "decline")
        f.start("claim")
        f.branch(self._claims(), "own", "decline")
        f.start("own")
        (good,) = f.when(
            self.word(_PROGRAM, I64).eq(0), lambda: true(f), lambda: (self._has_program(),)
        )
        (good,) = f.when(good, self._take_results, lambda: false(f))
        f.branch(good, "run", "release")
        f.start("run")
        run = self.word(_RUN)
        code = f.call(
            "PyObject_Vectorcall", run, self.arrays, f.load(self.count, 0, I64), f.const(0, PTR), ret=PTR
        )  # fmt: skip
        f.branch(f.is_null(code), "interrupted", "ran")
        f.start("ran")
        number = f.call("PyLong_AsLongLong", code, ret=I64)
        f.branch(number.eq(0), "done", "failed")
        f.start("done")
        f.call("Py_DecRef", code)
        results = self._listed()
        self._release()
        self._drop()
        f.give(results)
        f.start("failed")
        f.store(self.values, self.pair)
        f.store(code, self.pair, 1)
        error = self.called(self.word(_FAILED), 2)
        f.call("Py_DecRef", code)
        self._drop()
        f.give(error)
        f.start("interrupted")
        self._give_interrupt()
        f.start("release")
        self._release()
        f.jump("decline")
        f.start("decline")
        f.call("PyErr_Clear")  # the long way meets the same error
        self._drop()
        none = self.word(_NONE)
        f.call("Py_IncRef", none)
        f.give(none)

    def _is_served(self) -> tuple[Val, ...]:
        f = self.f
        good = py.type_of(f, self.values).eq(self.word(_LIST_TYPE, I64))

        def fits() -> tuple[Val, ...]:
            fitting = py.size_of(f, self.values).eq(self.word(_COUNT, I64))
            for i in range(_MOST_EMPTY):
                fitting = fitting & py.size_of(f, self.word(_EMPTY + i)).eq(0)
            return (fitting,)

        return f.when(good, fits, lambda: false(f))

    def _take(self, array: Val) -> None:
        f = self.f
        count = f.load(self.count, 0, I64)
        f.store(array, f.at(self.arrays, count, I64))
        f.store(count + 1, self.count)

    def _take_arguments(self) -> tuple[Val, ...]:
        f = self.f

        def take(i: Val, at: Val, good: Val) -> tuple[Val, ...]:
            form = f.at(self.words, at, I64)
            rank = f.load(form, 2, I64)
            return at + rank + _FORM_WORDS, *f.when(
                good, lambda: self._take_argument(i, form, rank), lambda: false(f)
            )

        return f.loop(f.i64(0), self.word(_COUNT, I64), 1, take, f.i64(_FORMS), f.const(1, I1))[1:]

    def _take_argument(self, i: Val, form: Val, rank: Val) -> tuple[Val, ...]:
        f = self.f
        item = f.load(py.list_items(f, self.values), i, PTR)
        handle = f.load(form, _HANDLE, I64)

        def of_handle() -> tuple[Val, ...]:
            is_it = handle.eq(_ANY) | handle.eq(f.emit(I64, f"ptrtoint ptr {item.s} to i64"))
            return f.when(
                is_it,
                lambda: (
                    f.call("PyObject_GetAttr", item, f.load(self.words, _VALUE, PTR), ret=PTR),
                ),
                lambda: (f.const(0, PTR),),
            )

        def of_array() -> tuple[Val, ...]:
            f.call("Py_IncRef", item)
            return (item,)

        (array,) = f.when(handle.eq(0), of_array, of_handle)

        def fits() -> tuple[Val, ...]:
            self._take(array)
            is_array = py.type_of(f, array).eq(self.word(_ARRAY_TYPE, I64))
            return f.when(is_array, plain, lambda: false(f))

        def plain() -> tuple[Val, ...]:
            described = f.at(form, 1, I64)
            (good,) = has_form(f, array, described, rank, self.words)
            is_read = (f.load(described, 2, I64) & WRITABLE).eq(0)
            return (good & (is_read | py.references_of(f, array).eq(_ALONE)),)

        return f.when(f.is_null(array), lambda: false(f), fits)

    def _attribute(self, name: int) -> Val:
        """An attribute of the table, which has it."""
        return self.f.call("PyObject_GetAttr", self.word(_TABLE), self.word(name), ret=PTR)

    def _claims(self) -> Val:
        """Locks the table's arena for this call; True unless another call has it."""
        f = self.f
        claim = self._attribute(_CLAIM)
        f.store(self.word(_FALSE), self.pair)
        result = self.called(claim, 1)
        f.call("Py_DecRef", claim)
        f.call("Py_DecRef", result)  # True and False live on
        return self.is_same(result, self.word(_TRUE))

    def _has_program(self) -> Val:
        f = self.f
        program = self._attribute(_PROGRAM_NAME)
        f.call("Py_DecRef", program)  # only its address is compared
        return self.is_same(program, self.word(_PROGRAM))

    def _release(self) -> None:
        f = self.f
        release = self._attribute(_RELEASE)
        f.call("Py_DecRef", self.called(release, 0))
        f.call("Py_DecRef", release)

    def _take_results(self) -> tuple[Val, ...]:
        f = self.f

        def made(function: Val, count: int, good: Val) -> tuple[Val, ...]:
            def make() -> tuple[Val, ...]:
                array = self.called(function, count)

                def keep() -> tuple[Val, ...]:
                    self._take(array)
                    return true(f)

                return f.when(f.is_null(array), lambda: false(f), keep)

            return f.when(good, make, lambda: false(f))

        def result(i: Val, good: Val) -> tuple[Val, ...]:
            entry = f.at(self.words, self.word(_RESULTS_AT, I64) + i * _RESULT_WORDS, I64)
            f.store(f.load(entry, 1, PTR), self.pair)
            f.store(f.load(entry, 2, PTR), self.pair, 1)
            return made(f.load(entry, 0, PTR), 2, good)

        def packed(i: Val, good: Val) -> tuple[Val, ...]:
            entry = f.at(self.words, self.word(_PACKED_AT, I64) + i * _PACKED_WORDS, I64)
            number = f.load(entry, 1, I64)
            f.store(f.load(py.list_items(f, self.values), number, PTR), self.pair)
            # The array that was checked: another thread may assign to the variable meanwhile.
            f.store(f.load(self.arrays, number, PTR), self.pair, 1)
            f.store(f.load(entry, 2, PTR), self.pair, 2)
            return made(f.load(entry, 0, PTR), 3, good)

        (good,) = f.loop(f.i64(0), self.word(_RESULTS, I64), 1, result, f.const(1, I1))
        return f.loop(f.i64(0), self.word(_PACKED, I64), 1, packed, good)

    def _listed(self) -> Val:
        """A list of the results; null, with a Python error set, if memory is exhausted."""
        f = self.f
        count = self.word(_RESULTS, I64)
        results = f.call("PyList_New", count, ret=PTR)

        def put(i: Val) -> None:
            array = f.load(self.arrays, self.word(_COUNT, I64) + i, PTR)
            # The list takes a reference; the call drops its own with all others at the end.
            f.call("Py_IncRef", array)
            f.call("PyList_SetItem", results, i, array, ret=I32)

        f.loop(f.i64(0), f.select(f.is_null(results), f.i64(0), count), 1, put)
        return results

    def _give_interrupt(self) -> None:
        """Ends the call with the exception of a signal's handler."""
        f = self.f
        kept = [f.at(self.pair, i, I64) for i in range(3)]
        # Releasing calls Python functions, which must not be called with an error set.
        f.call("PyErr_Fetch", *kept)
        error = [f.load(each, 0, PTR) for each in kept]
        self._release()
        self._drop()
        f.call("PyErr_Restore", *error)
        f.give(f.const(0, PTR))

    def _drop(self) -> None:
        """Drops all references that the call has taken."""
        f = self.f

        def drop(i: Val) -> None:
            f.call("Py_DecRef", f.load(self.arrays, i, PTR))

        f.loop(f.i64(0), f.load(self.count, 0, I64), 1, drop)
