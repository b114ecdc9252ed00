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

MOST_INPUTS = 8
# Words of a description, and of each form that follows them: its dtypes, and its attributes' names and values come last.
(_INPUTS, COUNT, TENSOR, VALUE_AT, DTYPE_AT, _ID_AT, _STATE, _DICT, _GRAPH, _TAPES, _ACCUMULATORS, _QUIET,
 _SLOTS, _RUN_NAME, _RUN, _NUMBER, _RECORD, _AS_ARRAY, _NONE, ARRAY_TYPE, FIRST_FORM) = range(21)  # fmt: skip
(WORDS, _FUNCTION, _KEYWORDS, _LAST, _IS_QUIET, _LARGE, _STORAGE, _DTYPE, _OP, _PRODUCT, _MOST_WORK, _ATTRIBUTES,
 FORM_HEAD) = range(13)  # fmt: skip
# Fields of an ndarray after its header: words, and halves of words.
_EXTENTS, _ARRAY_DTYPE, RANK = 2, 5, 2
SIZE = py.TYPE_WORD + 1  # the word of a tuple that has its length


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
      dtype: of the result.
      storage: its NumPy dtype.
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
    dtype: Any
    storage: np.dtype
    product: Callable[..., Any] | None = None
    most_work: int = 0

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
        words[WORDS] = FORM_HEAD + len(rest)
        words[_FUNCTION], words[_STORAGE] = id(self.function), id(self.storage)
        words[_DTYPE], words[_OP] = id(self.dtype), id(self.op)
        words[_KEYWORDS], words[_LAST] = (id(keywords) if self.fills_arrays else 0), id(...)
        words[_IS_QUIET], words[_LARGE] = self.is_quiet, self.large
        if self.product is not None:
            words[_PRODUCT], words[_MOST_WORK] = id(self.product), self.most_work
        words[_ATTRIBUTES] = len(self.attributes)
        return [*words, *rest]


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
    names = {_DICT: "__dict__", _GRAPH: "graph", _TAPES: "tapes", _ACCUMULATORS: "accumulators",
             _QUIET: "quiet_context", _RUN_NAME: around.run_name}  # fmt: skip
    objects = {
        TENSOR: kind, _STATE: around.state, _SLOTS: around.slots, _RUN: around.run, _NUMBER: around.number,
        _RECORD: around.record, _AS_ARRAY: np.asarray, _NONE: None, ARRAY_TYPE: np.ndarray, **names,
    }  # fmt: skip
    keep.append(objects)
    for at, value in objects.items():
        words[at] = id(value)
    words[_INPUTS], words[COUNT] = inputs, len(forms)
    for at, name in {VALUE_AT: "_value", DTYPE_AT: "_dtype", _ID_AT: "_id"}.items():
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


@method("call_op")
def _entry(m: Module, name: str) -> None:
    """The call, a function of CPython's vectorcall protocol; `me` is the description."""
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        OpCall(f).write()


class OpCall(py.DescribedCall):
    """Writes the call."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.values = f.alloca(I64, MOST_INPUTS + 1)
        # The numbers of the op's inputs and of the function's arguments.
        self.count = self.value_count = f.load(self.words, _INPUTS, I64)
        self.form = self.words  # until one is found

    def field(self, number: int, ty: str = PTR) -> Val:
        """A word of the form that was found."""
        return self.f.load(self.form, number, ty)

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
        result = self._array(self._run(context))
        f.branch(f.is_null(result), "failed", "made")
        f.start("failed")
        f.module.declare("@PyExc_Exception = external global ptr")
        kind = f.load(f.address("PyExc_Exception"), 0, PTR)
        f.branch(f.call("PyErr_ExceptionMatches", kind, ret=I32).eq(0), "interrupted", "clear")
        f.start("clear")
        f.call("PyErr_Clear")
        self.release()
        f.jump("decline")
        f.start("made")
        tensor = self._tensor(result)
        f.branch(f.is_null(tensor), "interrupted", "wrapped")
        f.start("wrapped")
        f.branch(is_recorded, "record", "done")
        f.start("record")
        f.branch(self._record(tensor), "done", "unrecorded")
        f.start("unrecorded")
        f.call("Py_DecRef", tensor)
        f.jump("interrupted")
        f.start("done")
        self.release()
        f.give(tensor)
        f.start("interrupted")
        self.release()
        f.give(f.const(0, PTR))
        f.start("decline")
        none = self.word(_NONE)
        f.call("Py_IncRef", none)
        f.give(none)

    def input(self, i: Val) -> Val:
        """An input of the op, a tensor."""
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
            return (good & f.load(self.input(i), py.TYPE_WORD, I64).eq(self.word(TENSOR, I64)),)

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

            (good,) = f.loop(f.i64(0), self.count, 1, same_type, given.eq(f.load(form, _ATTRIBUTES, I64)))  # fmt: skip
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
        state = f.call("PyObject_GetAttr", self.word(_STATE), self.word(_DICT), ret=PTR)

        def of(name: int) -> Val:
            return f.call("PyDict_GetItem", state, self.word(name), ret=PTR)

        def look() -> tuple[Val, ...]:
            good = self.is_same(of(_GRAPH), self.word(_NONE))
            run = f.call("PyDict_GetItem", self.word(_SLOTS), self.word(_RUN_NAME), ret=PTR)
            good = good & self.is_same(run, self.word(_RUN))
            recorders = f.load(of(_TAPES), SIZE, I64) | f.load(of(_ACCUMULATORS), SIZE, I64)
            # The thread's state lives on, and so does its context.
            context = of(_QUIET)
            f.call("Py_DecRef", state)
            return good, recorders.eq(0) ^ f.const(1, I1), context

        def failed() -> tuple[Val, ...]:
            f.call("PyErr_Clear")
            return *false(f), *false(f), f.const(0, PTR)

        served, recorded, context = f.when(f.is_null(state), failed, look)
        return served, recorded, context

    def _is_small(self) -> tuple[Val, ...]:
        f = self.f
        large = self.field(_LARGE, I64)

        def is_small(i: Val) -> tuple[Val, ...]:
            array = f.load(self.input(i), self.word(VALUE_AT, I64), PTR)

            def of_array() -> tuple[Val, ...]:
                fields = f.at(array, py.DATA_WORD, I64)
                extents = f.load(fields, _EXTENTS, PTR)
                (size,) = f.loop(
                    f.i64(0), f.convert(f.load(fields, RANK, I32), I64), 1,
                    lambda axis, size: (size * f.load(extents, axis, I64),), f.i64(1),
                )  # fmt: skip
                return (size < large,)

            is_array = f.load(array, py.TYPE_WORD, I64).eq(self.word(ARRAY_TYPE, I64))
            return f.when(is_array, of_array, lambda: false(f))

        def are_small() -> tuple[Val, ...]:
            (first,) = is_small(f.i64(0))
            return f.when(first, lambda: is_small(self.count - 1), lambda: false(f))

        return f.when(large.eq(0), lambda: true(f), are_small)

    def _enter(self, context: Val) -> Val:
        f = self.f

        def enter() -> tuple[Val, ...]:
            return (f.call("PyContext_Enter", context, ret=I32).eq(0),)

        return f.when(self.field(_IS_QUIET, I64).eq(0), lambda: true(f), enter)[0]

    def _chosen(self) -> Val:
        """The function to call."""
        f = self.f

        def shape(i: int) -> tuple[Val, Val, Val]:
            """If a value is a matrix, and its extents, which are loaded only then."""
            array = self.value(f.i64(i))

            def extents() -> tuple[Val, ...]:
                fields = f.at(array, py.DATA_WORD, I64)
                at = f.load(fields, _EXTENTS, PTR)
                is_matrix = f.load(fields, RANK, I32).eq(2)
                (rows, columns) = f.when(
                    is_matrix,
                    lambda: (f.load(at, 0, I64), f.load(at, 1, I64)),
                    lambda: (f.i64(0), f.i64(0)),
                )
                return is_matrix, rows, columns

            is_array = f.load(array, py.TYPE_WORD, I64).eq(self.word(ARRAY_TYPE, I64))
            is_matrix, rows, columns = f.when(
                is_array, extents, lambda: (*false(f), f.i64(0), f.i64(0))
            )
            return is_matrix, rows, columns

        def choose() -> tuple[Val, ...]:
            is_first, m, k = shape(0)
            is_second, rows, columns = shape(1)
            work = m * k * f.select(rows > columns, rows, columns)
            is_small = is_first & is_second & (work < self.field(_MOST_WORK, I64))
            return (f.select(is_small, self.field(_PRODUCT), self.field(_FUNCTION)),)

        has_none = self.field(_PRODUCT, I64).eq(0)
        return f.when(has_none, lambda: (self.field(_FUNCTION),), choose)[0]

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
        f.store(self.field(_LAST), f.at(self.values, count, I64))
        result = f.call(
            "PyObject_Vectorcall", function, self.values, count, self.field(_KEYWORDS), ret=PTR
        )  # fmt: skip
        # Leaving a context that was entered does not fail, whatever error is set.
        f.when(
            self.field(_IS_QUIET, I64).eq(0),
            lambda: (),
            lambda: (f.call("PyContext_Exit", context, ret=I32), ())[1],
        )

        def drop(i: Val) -> None:
            f.call("Py_DecRef", f.load(self.values, i, PTR))

        f.loop(f.i64(0), count, 1, drop)
        return result

    def _array(self, result: Val) -> Val:
        """A result as an array of the form's dtype; null after an error."""
        f = self.f

        def is_right() -> tuple[Val, ...]:
            dtype = f.load(f.at(result, py.DATA_WORD, I64), _ARRAY_DTYPE, PTR)
            return (self.is_same(dtype, self.field(_STORAGE)),)

        def convert() -> tuple[Val, ...]:
            f.store(result, self.pair)
            f.store(self.field(_STORAGE), self.pair, 1)
            array = self.called(self.word(_AS_ARRAY), 2)
            f.call("Py_DecRef", result)
            return (array,)

        def look() -> tuple[Val, ...]:
            is_array = f.load(result, py.TYPE_WORD, I64).eq(self.word(ARRAY_TYPE, I64))
            (good,) = f.when(is_array, is_right, lambda: false(f))
            return f.when(good, lambda: (result,), convert)

        return f.when(f.is_null(result), lambda: (result,), look)[0]

    def _tensor(self, array: Val) -> Val:
        """A tensor of an array, which it takes over; null after an error."""
        f = self.f
        number = f.call("PyObject_CallNoArgs", self.word(_NUMBER), ret=PTR)

        def make() -> tuple[Val, ...]:
            tensor = f.call("PyType_GenericAlloc", self.word(TENSOR), f.i64(0), ret=PTR)
            return f.when(f.is_null(tensor), lambda: fail(number), lambda: fill(tensor))

        def fill(tensor: Val) -> tuple[Val, ...]:
            dtype = self.field(_DTYPE)
            f.call("Py_IncRef", dtype)
            for at, value in ((VALUE_AT, array), (DTYPE_AT, dtype), (_ID_AT, number)):
                f.store(value, f.at(tensor, self.word(at, I64), I64))
            return (tensor,)

        def fail(number: Val | None = None) -> tuple[Val, ...]:
            f.call("Py_DecRef", array)
            if number is not None:
                f.call("Py_DecRef", number)
            return (f.const(0, PTR),)

        return f.when(f.is_null(number), fail, make)[0]

    def _record(self, tensor: Val) -> Val:
        """True unless the function that records the call has failed."""
        f = self.f
        inputs = f.call("PyTuple_New", self.count, ret=PTR)
        outputs = f.call("PyTuple_New", f.i64(1), ret=PTR)

        def put(objects: Val, i: Any, value: Val) -> None:
            f.call("Py_IncRef", value)
            f.call("PyTuple_SetItem", objects, i, value, ret=I32)

        def call() -> tuple[Val, ...]:
            f.loop(f.i64(0), self.count, 1, lambda i: put(inputs, i, self.input(i)))
            put(outputs, f.i64(0), tensor)
            for i, value in enumerate((self.field(_OP), inputs, outputs)):
                f.store(value, self.pair, i)
            result = self.called(self.word(_RECORD), 3)
            f.call("Py_DecRef", result)  # of null it does nothing
            return (result,)

        is_short = f.is_null(inputs) | f.is_null(outputs)
        (result,) = f.when(is_short, lambda: (f.const(0, PTR),), call)
        f.call("Py_DecRef", inputs)
        f.call("Py_DecRef", outputs)
        return f.is_null(result) ^ f.const(1, I1)
