"""Whole eager calls of an op as one builtin: the choice of the kernel, its run, and the tensor of its result, where Python takes some 0.8 us.

Such a call serves what nearly all calls are: eager tensors of dtypes and attributes that were met before, outside of graphs. It gives None for any
other call, and for one whose kernel raises, so that the caller takes the long way, which meets the same error: kernels must be free to run twice.
"""

import ctypes
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ... import python_calls as py
from ...builtins import method
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I1, I32, I64, PTR
from ...language.value import Val
from ..array_forms import false, true
from .results import (
    ACCUMULATORS,
    ARRAY_TYPE,
    AS_ARRAY,
    ATTRIBUTES,
    CONTAINER,
    COUNT,
    DICT,
    DTYPE_AT,
    FIRST_FORM,
    FORM_HEAD,
    FUNCTION,
    GRAPH,
    ID_AT,
    INPUTS,
    IS_QUIET,
    IS_SEQUENCE,
    KEYWORDS,
    LARGE,
    LAST,
    LIST_TYPE,
    MOST_OUTPUTS,
    MOST_WORK,
    NONE,
    NUMBER,
    OP,
    OUTPUTS,
    OUTPUTS_AT,
    PRODUCT,
    QUIET,
    RECORD,
    RESULTS,
    RUN,
    RUN_NAME,
    RUNS_ONCE,
    SLOTS,
    STATE,
    TAPES,
    TENSOR,
    TUPLE_TYPE,
    VALUE_AT,
    WORDS,
    ResultsOfCall,
)

MOST_INPUTS = 8


@dataclasses.dataclass(frozen=True)
class OpForm:
    """A kernel, and the calls that it serves.

    Args:
      op: what is recorded.
      types: the dtypes of the inputs.
      attributes: of the call, each the same object as here.
      function: of the inputs' values.
      fills_arrays: True if the function takes `out=...`, and then gives arrays instead of scalars.
      is_quiet: True if the function is to run in the context in which NumPy does not warn.
      large: the number of elements of the first or last input from which calls are not served; 0 if all are.
      outputs: the dtype of each output, and that of its array.
      is_sequence: True if the function gives a list or tuple of the outputs, not the only output itself.
      container: the class that holds the results, `list` or a class of tuples; None if there is only one.
      results: the positions among the outputs of what the caller gets.
      runs_once: True if an error of the function is the call's; otherwise the call is left to the long way, which runs the function again.
      product: None, or what gives the same result or an error for two matrices, but fewer checks.
      most_work: the number of elements of the first matrix times the larger extent of the second from which `function` is called.
    """

    op: Any
    types: Sequence[Any]
    attributes: Mapping[str, Any]
    function: Callable[..., Any]
    fills_arrays: bool
    is_quiet: bool
    large: int
    outputs: Sequence[tuple[Any, np.dtype]]
    is_sequence: bool = False
    container: type | None = None
    results: Sequence[int] = (0,)
    runs_once: bool = False
    product: Callable[..., Any] | None = None
    most_work: int = 0

    def check(self) -> None:
        """Raises ValueError if native code cannot make the results."""
        if not 0 < len(self.outputs) <= MOST_OUTPUTS or not self.results:
            raise ValueError(f"OpForm: from 1 to {MOST_OUTPUTS} outputs are served.")
        if self.container is not None and not can_contain(self.container):
            raise ValueError(f"OpForm: {self.container} is not served.")

    def with_function(self, function: Callable[..., Any], is_quiet: bool) -> "OpForm":
        """Returns this form with another function, which may give scalars."""
        return dataclasses.replace(
            self, function=function, is_quiet=is_quiet, fills_arrays=False, product=None
        )

    def words(self, keep: list[Any]) -> list[int]:
        """Returns the words that describe it, and adds the objects whose addresses they hold to `keep`."""
        rest = [*self.types, *[one for pair in self.attributes.items() for one in pair]]
        return self.words_before(list(map(id, rest)), keep)

    def words_before(self, rest: Sequence[int], keep: list[Any]) -> list[int]:
        """Returns the words that describe what is called, and after them `rest`."""
        keywords = ("out",)
        keep += [self, keywords]
        words = [0] * FORM_HEAD
        made = [id(one) for output in self.outputs for one in output]
        words[WORDS] = FORM_HEAD + len(rest) + len(made) + len(self.results)
        words[OUTPUTS], words[OUTPUTS_AT] = len(self.outputs), FORM_HEAD + len(rest)
        words[IS_SEQUENCE], words[RUNS_ONCE] = self.is_sequence, self.runs_once
        words[RESULTS] = len(self.results)
        if self.container is not None:
            words[CONTAINER] = id(self.container)
        words[FUNCTION], words[OP] = id(self.function), id(self.op)
        words[KEYWORDS], words[LAST] = (id(keywords) if self.fills_arrays else 0), id(...)
        words[IS_QUIET], words[LARGE] = self.is_quiet, self.large
        if self.product is not None:
            words[PRODUCT], words[MOST_WORK] = id(self.product), self.most_work
        words[ATTRIBUTES] = len(self.attributes)
        return [*words, *rest, *made, *self.results]


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a call looks at, and calls.

    Args:
      tensor: the class of eager tensors, and one of them.
      state: the thread's state, with `graph`, `tapes`, `accumulators`, and `quiet_context`, that of `OpForm.is_quiet`.
      slots: the dictionary with the function that runs ops under `run_name`.
      run_name: its name there.
      run: that function if nothing stands in for it; otherwise no call is served.
      number: gives the number of a new tensor.
      record: is called with the op, the inputs and the outputs if there are tapes or accumulators.
    """

    tensor: Any
    state: Any
    slots: dict[str, Any]
    run_name: str
    run: Callable[..., Any]
    number: Callable[[], int]
    record: Callable[..., Any]


def can_contain(kind: type) -> bool:
    """True for `list`, `tuple` and named tuples, whose objects have nothing but the elements."""
    if kind is list:
        return True
    same = kind.__basicsize__ == tuple.__basicsize__ and kind.__dictoffset__ == 0
    return issubclass(kind, tuple) and same


class _Description(np.ndarray):
    """The words of the calls of an op; keeps the objects alive whose addresses they hold."""

    owner: Any = ()


def op_call(inputs: int, forms: Sequence[OpForm], around: Surroundings) -> Callable[..., Any]:
    """Returns a builtin of the attributes, a dictionary, and the inputs of an op's call: its result, or None.

    Args:
      inputs: their number.
      forms: the kernels.
      around: see `Surroundings`.
    """
    if not 0 < inputs <= MOST_INPUTS:
        raise ValueError(f"op_call: from 1 to {MOST_INPUTS} inputs are served. Received {inputs}.")
    for form in forms:
        form.check()
    keep: list[Any] = []
    words = [form.words(keep) for form in forms]
    return py.bind(_entry(), describe(inputs, words, around, keep))


def describe(
    inputs: int, forms: Sequence[Sequence[int]], around: Surroundings, keep: list[Any]
) -> np.ndarray:
    """Returns the words of a description: what a call looks at, and the words of its forms.

    Args:
      inputs: the number of inputs, if it is the same for all forms.
      forms: the words of each.
      around: see `Surroundings`.
      keep: the objects whose addresses the forms hold.
    """
    kind = type(around.tensor)
    keep += [around, kind]
    words = [0] * FIRST_FORM
    names = {DICT: "__dict__", GRAPH: "graph", TAPES: "tapes", ACCUMULATORS: "accumulators",
             QUIET: "quiet_context", RUN_NAME: around.run_name}  # fmt: skip
    objects = {
        TENSOR: kind, STATE: around.state, SLOTS: around.slots, RUN: around.run, NUMBER: around.number,
        RECORD: around.record, AS_ARRAY: np.asarray, NONE: None, ARRAY_TYPE: np.ndarray, TUPLE_TYPE: tuple,
        LIST_TYPE: list, **names,
    }  # fmt: skip
    keep.append(objects)
    for at, value in objects.items():
        words[at] = id(value)
    words[INPUTS], words[COUNT] = inputs, len(forms)
    for at, name in {VALUE_AT: "_value", DTYPE_AT: "_dtype", ID_AT: "_id"}.items():
        words[at] = _place_of(around.tensor, name)
    for form in forms:
        words += form
    description = np.array(words, np.int64).view(_Description)
    description.owner = keep
    return description


def _place_of(tensor: Any, slot: str) -> int:
    """Returns the word of an object that holds the attribute of a slot.

    Raises:
      ValueError: no word, or several, hold it.
    """
    words = (ctypes.c_size_t * (type(tensor).__basicsize__ // 8)).from_address(id(tensor))
    places = [at for at, word in enumerate(words) if word == id(getattr(tensor, slot))]
    if len(places) != 1:
        raise ValueError(f"op_call: the slot {slot!r} is in {len(places)} words of a tensor.")
    return places[0]


@method("call_op", "tuple", "list")
def _entry(m: Module, name: str) -> None:
    """The call, a function of CPython's vectorcall protocol; `me` is the description."""
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        OpCall(f).write()


class OpCall(ResultsOfCall):
    """Writes the call."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.values = f.alloca(I64, MOST_INPUTS + 1)
        # The numbers of the op's inputs and of the function's arguments.
        self.count = self.value_count = f.load(self.words, INPUTS, I64)

    def write(self) -> None:
        f = self.f
        f.branch(self.is_served(), "find", "decline")
        f.start("find")
        found = self.find()
        self.form = f.at(self.words, found, I64)
        f.branch(found.eq(0), "decline", "look")
        f.start("look")
        self.read_form()
        is_served, is_recorded, context = self._look_around()
        f.branch(f.when(is_served, self._is_small, lambda: false(f))[0], "enter", "decline")
        f.start("enter")
        self.hold()
        f.branch(self._enter(context), "call", "failed")
        f.start("call")
        f.branch(self.make_outputs(self._run(context)), "made", "failed")
        f.start("failed")
        is_final = self.field(RUNS_ONCE, I64).ne(0)
        is_error = f.call("PyErr_ExceptionMatches", self.exception(), ret=I32).ne(0)
        f.branch(is_error & (is_final ^ f.const(1, I1)), "clear", "interrupted")
        f.start("clear")
        f.call("PyErr_Clear")
        self.release()
        f.jump("decline")
        f.start("made")
        f.branch(is_recorded, "record", "done")
        f.start("record")
        f.branch(self.record(), "done", "unrecorded")
        f.start("unrecorded")
        self.drop_outputs(self.field(OUTPUTS, I64))
        f.jump("interrupted")
        f.start("done")
        result = self.arranged()
        self.release()
        f.give(result)
        f.start("interrupted")
        self.release()
        f.give(f.const(0, PTR))
        f.start("decline")
        none = self.word(NONE)
        f.call("Py_IncRef", none)
        f.give(none)

    def input(self, i: Val) -> Val:
        return self.f.load(self.f.argv, i + 1, PTR)

    def value(self, i: Val) -> Val:
        """An argument of the function."""
        return self.f.load(self.input(i), self.word(VALUE_AT, I64), PTR)

    def is_served(self) -> Val:
        """True if the arguments are of the kinds that forms describe."""
        f = self.f
        return f.when(f.nargs.eq(self.count + 1), self._are_tensors, lambda: false(f))[0]

    def read_form(self) -> None:
        """Reads what the form that was found records of its inputs; nothing if the description fixes their number."""

    def hold(self) -> None:
        """Keeps the inputs alive until `release`: not needed where the caller holds the arguments themselves."""

    def release(self) -> None:
        """Undoes `hold`."""

    def _are_tensors(self) -> tuple[Val, ...]:
        f = self.f

        def look(i: Val, good: Val) -> tuple[Val, ...]:
            return (good & py.type_of(f, self.input(i)).eq(self.word(TENSOR, I64)),)

        return f.loop(f.i64(0), self.count, 1, look, f.const(1, I1))

    def find(self) -> Val:
        """The index of the word at which the form of these dtypes and attributes begins; 0 if there is no such form."""
        f = self.f
        attributes = f.load(f.argv, 0, PTR)
        given = f.call("PyDict_Size", attributes, ret=I64)

        def look(_i: Val, at: Val, found: Val) -> tuple[Val, ...]:
            form = f.at(self.words, at, I64)

            def same_type(i: Val, good: Val) -> tuple[Val, ...]:
                dtype = f.load(self.input(i), self.word(DTYPE_AT, I64), I64)
                return (good & dtype.eq(f.load(form, i + FORM_HEAD, I64)),)

            def same_attribute(i: Val, good: Val) -> tuple[Val, ...]:
                pair = f.at(form, self.count + i * 2 + FORM_HEAD, I64)
                value = f.call("PyDict_GetItem", attributes, f.load(pair, 0, PTR), ret=PTR)
                return (good & self.is_same(value, f.load(pair, 1, PTR)),)

            (good,) = f.loop(f.i64(0), self.count, 1, same_type, given.eq(f.load(form, ATTRIBUTES, I64)))  # fmt: skip
            (good,) = f.when(
                good,
                lambda: f.loop(f.i64(0), given, 1, same_attribute, f.const(1, I1)),
                lambda: false(f),
            )
            return at + f.load(form, WORDS, I64), f.select(good, at, found)

        return f.loop(f.i64(0), self.word(COUNT, I64), 1, look, f.i64(FIRST_FORM), f.i64(0))[1]

    def _look_around(self) -> tuple[Val, Val, Val]:
        """If the call is served here, if it is recorded, and the context in which NumPy does not warn."""
        f = self.f
        state = f.call("PyObject_GetAttr", self.word(STATE), self.word(DICT), ret=PTR)

        def of(name: int) -> Val:
            return f.call("PyDict_GetItem", state, self.word(name), ret=PTR)

        def look() -> tuple[Val, ...]:
            good = self.is_same(of(GRAPH), self.word(NONE))
            run = f.call("PyDict_GetItem", self.word(SLOTS), self.word(RUN_NAME), ret=PTR)
            good = good & self.is_same(run, self.word(RUN))
            recorders = py.size_of(f, of(TAPES)) | py.size_of(f, of(ACCUMULATORS))
            # The thread's state lives on, and so does its context.
            context = of(QUIET)
            f.call("Py_DecRef", state)
            return good, recorders.eq(0) ^ f.const(1, I1), context

        def failed() -> tuple[Val, ...]:
            f.call("PyErr_Clear")
            return *false(f), *false(f), f.const(0, PTR)

        served, recorded, context = f.when(f.is_null(state), failed, look)
        return served, recorded, context

    def _is_small(self) -> tuple[Val, ...]:
        f = self.f
        large = self.field(LARGE, I64)

        def is_small(i: Val) -> tuple[Val, ...]:
            array = f.load(self.input(i), self.word(VALUE_AT, I64), PTR)

            def of_array() -> tuple[Val, ...]:
                extents = py.extents_of(f, array)
                (size,) = f.loop(
                    f.i64(0), py.rank_of(f, array), 1,
                    lambda axis, size: (size * f.load(extents, axis, I64),), f.i64(1),
                )  # fmt: skip
                return (size < large,)

            is_array = py.type_of(f, array).eq(self.word(ARRAY_TYPE, I64))
            return f.when(is_array, of_array, lambda: false(f))

        def are_small() -> tuple[Val, ...]:
            (first,) = is_small(f.i64(0))
            return f.when(first, lambda: is_small(self.count - 1), lambda: false(f))

        return f.when(large.eq(0), lambda: true(f), are_small)

    def _enter(self, context: Val) -> Val:
        f = self.f

        def enter() -> tuple[Val, ...]:
            return (f.call("PyContext_Enter", context, ret=I32).eq(0),)

        return f.when(self.field(IS_QUIET, I64).eq(0), lambda: true(f), enter)[0]

    def _chosen(self) -> Val:
        """The function to call."""
        f = self.f

        def shape(i: int) -> tuple[Val, Val, Val]:
            """If a value is a matrix, and its extents, which are loaded only then."""
            array = self.value(f.i64(i))

            def extents() -> tuple[Val, ...]:
                at = py.extents_of(f, array)
                is_matrix = py.rank_of(f, array).eq(2)
                (rows, columns) = f.when(
                    is_matrix,
                    lambda: (f.load(at, 0, I64), f.load(at, 1, I64)),
                    lambda: (f.i64(0), f.i64(0)),
                )
                return is_matrix, rows, columns

            is_array = py.type_of(f, array).eq(self.word(ARRAY_TYPE, I64))
            is_matrix, rows, columns = f.when(
                is_array, extents, lambda: (*false(f), f.i64(0), f.i64(0))
            )
            return is_matrix, rows, columns

        def choose() -> tuple[Val, ...]:
            is_first, m, k = shape(0)
            is_second, rows, columns = shape(1)
            work = m * k * f.select(rows > columns, rows, columns)
            is_small = is_first & is_second & (work < self.field(MOST_WORK, I64))
            return (f.select(is_small, self.field(PRODUCT), self.field(FUNCTION)),)

        has_none = self.field(PRODUCT, I64).eq(0)
        return f.when(has_none, lambda: (self.field(FUNCTION),), choose)[0]

    def _run(self, context: Val) -> Val:
        """What the function returns; null after an error."""
        f = self.f
        function = self._chosen()

        def take(i: Val) -> None:
            value = self.value(i)
            f.call("Py_IncRef", value)
            f.store(value, f.at(self.values, i, I64))

        count = self.value_count
        f.loop(f.i64(0), count, 1, take)
        f.store(self.field(LAST), f.at(self.values, count, I64))
        mode = f.call("penstock_denormals_flush", ret=I64)
        result = f.call(
            "PyObject_Vectorcall", function, self.values, count, self.field(KEYWORDS), ret=PTR
        )  # fmt: skip
        f.call("penstock_denormals_restore", mode)
        # Leaving a context that was entered does not fail, whatever error is set.
        f.when(
            self.field(IS_QUIET, I64).eq(0),
            lambda: (),
            lambda: (f.call("PyContext_Exit", context, ret=I32), ())[1],
        )

        def drop(i: Val) -> None:
            f.call("Py_DecRef", f.load(self.values, i, PTR))

        f.loop(f.i64(0), count, 1, drop)
        return result
