"""Whole eager calls of public functions as one builtin, from the arguments as the caller gave them to the tensor of the result.

A public function that only converts its arguments for one op does the same for all calls whose tensors have the same dtypes and ranks and whose other
arguments are the same objects. A form records such arguments, the op, and which of its inputs are arguments and which are constants. As in `op_calls.py`,
a call that no form fits, or that cannot be served here, gives None.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ... import python_calls as py
from ...builtins import method
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I1, I64, PTR
from ...language.value import Val
from ..array_forms import false, true
from .op_calls import MOST_INPUTS, OpCall, OpForm, Surroundings, describe
from .results import (
    ARRAY_TYPE,
    COUNT,
    DTYPE_AT,
    FIRST_FORM,
    FORM_HEAD,
    TENSOR,
    VALUE_AT,
    WORDS,
)

# Words of a form after those of its op: numbers of arguments by position and by name, of inputs, of the function's arguments, and of the words of
# all arguments. Then come the arguments, the inputs and the function's arguments.
_POSITIONAL, _NAMED, _INPUTS, _VALUES, _ARGUMENT_WORDS, _ARGUMENTS = range(FORM_HEAD, FORM_HEAD + 6)
# Words of an argument: its name, or 0; its kind; the numbers of its words and of its tensors; and the rest: a tensor, an object, or the type of a
# sequence, if that is a list, its length, and its elements. Words of a tensor: its dtype, its rank, and the address of its extents, or 0 if they may be any.
_NAME, _KIND, _LENGTH, _TENSORS, _REST = range(5)
_IS_TENSOR, _IS_OBJECT, _ARE_OBJECTS, _ARE_TENSORS = range(4)
_DTYPE, _RANK, _EXTENTS, _TENSOR = range(4)
_SOURCE = 2  # words of an input or value: a constant or null, and the position among the tensors
MOST_TENSORS = MOST_INPUTS


def _argument(name: int, kind: int, tensors: int, rest: Sequence[int]) -> list[int]:
    return [name, kind, _REST + len(rest), tensors, *rest]


@dataclasses.dataclass(frozen=True)
class TensorArgument:
    """An eager tensor of a dtype and rank, and of these extents, unless they are None."""

    dtype: Any
    rank: int
    extents: tuple[int, ...] | None = None

    def tensor_words(self, keep: list[Any]) -> list[int]:
        """Returns the words that describe the tensor, and adds what they are addresses of to `keep`."""
        extents = np.array(self.extents or (), np.int64)
        keep.append(extents)
        return [id(self.dtype), self.rank, extents.ctypes.data if self.extents else 0]

    def words(self, name: int, keep: list[Any]) -> list[int]:
        """Returns the words that describe the argument."""
        return _argument(name, _IS_TENSOR, 1, self.tensor_words(keep))


@dataclasses.dataclass(frozen=True)
class ObjectArgument:
    """One object, which never changes."""

    value: Any

    def words(self, name: int, _keep: list[Any]) -> list[int]:
        """Returns the words that describe it."""
        return _argument(name, _IS_OBJECT, 0, [id(self.value)])


@dataclasses.dataclass(frozen=True)
class SequenceArgument:
    """A list or tuple of objects that never change, or of tensors (`TensorArgument`)."""

    kind: type
    elements: tuple[Any, ...]

    def words(self, name: int, keep: list[Any]) -> list[int]:
        """Returns the words that describe it."""
        head = [id(self.kind), self.kind is list, len(self.elements)]
        tensors = [one for one in self.elements if type(one) is TensorArgument]
        if not tensors:
            return _argument(name, _ARE_OBJECTS, 0, [*head, *map(id, self.elements)])
        rest = [word for one in tensors for word in one.tensor_words(keep)]
        return _argument(name, _ARE_TENSORS, len(tensors), [*head, *rest])


@dataclasses.dataclass(frozen=True)
class DirectForm:
    """Calls of a public function that one kernel serves.

    Args:
      op: the kernel, with `types` and `attributes` empty.
      inputs: of the op: the position of one among the tensors of the arguments, or a constant tensor.
      values: of the kernel's function: the same, or a constant object.
      positional: the arguments by position.
      named: those by name.
    """

    op: OpForm
    inputs: Sequence[Any]
    values: Sequence[Any]
    positional: Sequence[Any] = ()
    named: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def serves_as(self, other: "DirectForm") -> bool:
        """True if calls that one serves have the arguments of those that the other serves."""
        return (self.positional, self.named) == (other.positional, other.named)

    def words(self, keep: list[Any]) -> list[int]:
        """Returns the words that describe it, and adds the objects whose addresses they hold to `keep`."""
        keep += [self, *self.named]
        arguments: list[int] = []
        for argument in self.positional:
            arguments += argument.words(0, keep)
        for name, argument in self.named.items():
            arguments += argument.words(id(name), keep)
        counts = (self.positional, self.named, self.inputs, self.values, arguments)
        rest = [*map(len, counts), *arguments]
        for source in (*self.inputs, *self.values):
            rest += [0, source] if type(source) is int else [id(source), 0]
        return self.op.words_before(rest, keep)


def direct_call(forms: Sequence[DirectForm], around: Surroundings) -> Callable[..., Any]:
    """Returns a builtin of a call's tuple of arguments and dictionary of those by name: the call's result, or None.

    Args:
      forms: the calls that it serves.
      around: see `Surroundings`.
    """
    for form in forms:
        form.op.check()
        if not 0 < len(form.inputs) <= MOST_INPUTS or len(form.values) > MOST_INPUTS:
            raise ValueError(f"direct_call: from 1 to {MOST_INPUTS} inputs are served.")
    keep: list[Any] = []
    words = [form.words(keep) for form in forms]
    return py.bind(_entry(), describe(0, words, around, keep))


@method("call_directly", "tuple", "list")
def _entry(m: Module, name: str) -> None:
    """The call, a function of CPython's vectorcall protocol; `me` is the description."""
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _DirectCall(f).write()


class _DirectCall(OpCall):
    """Writes the call."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.tensors = f.alloca(I64, MOST_TENSORS)
        self.sources = self.words  # until a form is found

    def is_served(self) -> Val:
        return self.f.nargs.eq(2)

    def find(self) -> Val:
        f = self.f
        arguments, named = f.load(f.argv, 0, PTR), f.load(f.argv, 1, PTR)
        count = py.size_of(f, arguments)
        names = f.call("PyDict_Size", named, ret=I64)

        def look(_i: Val, at: Val, found: Val) -> tuple[Val, ...]:
            form = f.at(self.words, at, I64)
            good = count.eq(f.load(form, _POSITIONAL, I64)) & names.eq(f.load(form, _NAMED, I64))
            (good,) = f.when(good & found.eq(0), lambda: self._fits(form, count, names), lambda: false(f))  # fmt: skip
            return at + f.load(form, WORDS, I64), f.select(good, at, found)

        return f.loop(f.i64(0), self.word(COUNT, I64), 1, look, f.i64(FIRST_FORM), f.i64(0))[1]

    def _fits(self, form: Val, count: Val, names: Val) -> tuple[Val, ...]:
        f = self.f
        arguments, named = f.load(f.argv, 0, PTR), f.load(f.argv, 1, PTR)

        def look(i: Val, at: Val, tensors: Val, good: Val) -> tuple[Val, ...]:
            argument = f.at(form, at, I64)
            name = f.load(argument, _NAME, PTR)
            (value,) = f.when(
                f.is_null(name),
                lambda: (f.load(py.tuple_items(f, arguments), i, PTR),),
                lambda: (f.call("PyDict_GetItem", named, name, ret=PTR),),
            )
            (good,) = f.when(
                good & (f.is_null(value) ^ f.const(1, I1)),
                lambda: self._is_right(argument, value, tensors),
                lambda: false(f),
            )
            return (
                at + f.load(argument, _LENGTH, I64),
                tensors + f.load(argument, _TENSORS, I64),
                good,
            )

        start = (f.i64(_ARGUMENTS), f.i64(0), f.const(1, I1))
        return (f.loop(f.i64(0), count + names, 1, look, *start)[2],)

    def _is_right(self, argument: Val, value: Val, tensors: Val) -> tuple[Val, ...]:
        """True if a value fits the description of an argument; appends its tensors to those of earlier arguments."""
        f = self.f
        rest = f.at(argument, _REST, I64)

        def is_kind(kind: int) -> Val:
            return f.load(argument, _KIND, I64).eq(kind)

        def is_object() -> tuple[Val, ...]:
            return (self.is_same(value, f.load(rest, 0, PTR)),)

        def other() -> tuple[Val, ...]:
            return f.when(
                is_kind(_IS_OBJECT), is_object, lambda: self._is_sequence(argument, value, tensors)
            )

        return f.when(is_kind(_IS_TENSOR), lambda: self._is_tensor(rest, value, tensors), other)

    def _is_tensor(self, wanted: Val, value: Val, at: Val) -> tuple[Val, ...]:
        """If a value is a tensor as some words say; puts it among the tensors."""
        f = self.f

        def look() -> tuple[Val, ...]:
            f.store(value, f.at(self.tensors, at, I64))
            dtype = f.load(value, self.word(DTYPE_AT, I64), I64)
            array = f.load(value, self.word(VALUE_AT, I64), PTR)
            is_array = py.type_of(f, array).eq(self.word(ARRAY_TYPE, I64))

            def rank() -> tuple[Val, ...]:
                given = py.rank_of(f, array)
                same = given.eq(f.load(wanted, _RANK, I64))
                return f.when(same, lambda: self._has_extents(array, given, wanted), lambda: false(f))  # fmt: skip

            return f.when(dtype.eq(f.load(wanted, _DTYPE, I64)) & is_array, rank, lambda: false(f))

        is_tensor = py.type_of(f, value).eq(self.word(TENSOR, I64))
        return f.when(is_tensor, look, lambda: false(f))

    def _has_extents(self, array: Val, rank: Val, wanted: Val) -> tuple[Val, ...]:
        """If an array of the right rank has the extents that a tensor's words ask for, if they ask for any."""
        f = self.f
        extents, given = f.load(wanted, _EXTENTS, PTR), py.extents_of(f, array)

        def same(axis: Val, good: Val) -> tuple[Val, ...]:
            return (good & f.load(given, axis, I64).eq(f.load(extents, axis, I64)),)

        return f.when(
            f.is_null(extents), lambda: true(f), lambda: f.loop(f.i64(0), rank, 1, same, f.const(1, I1))
        )  # fmt: skip

    def _is_sequence(self, argument: Val, value: Val, tensors: Val) -> tuple[Val, ...]:
        """If a value is a list or tuple, as the argument says, of its objects or of tensors like its own."""
        f = self.f
        rest = f.at(argument, _REST, I64)
        length = f.load(rest, 2, I64)

        def look() -> tuple[Val, ...]:
            is_tuple = f.load(rest, 1, I64).eq(0)
            (elements,) = f.when(is_tuple, lambda: (py.tuple_items(f, value),), lambda: (py.list_items(f, value),))  # fmt: skip

            def is_object(i: Val, good: Val) -> tuple[Val, ...]:
                return (good & f.load(elements, i, I64).eq(f.load(rest, i + 3, I64)),)

            def is_tensor(i: Val, good: Val) -> tuple[Val, ...]:
                def one() -> tuple[Val, ...]:
                    wanted = f.at(rest, i * _TENSOR + 3, I64)
                    return self._is_tensor(wanted, f.load(elements, i, PTR), tensors + i)

                return f.when(good, one, lambda: false(f))

            def objects() -> tuple[Val, ...]:
                return f.loop(f.i64(0), length, 1, is_object, f.const(1, I1))

            def all_tensors() -> tuple[Val, ...]:
                return f.loop(f.i64(0), length, 1, is_tensor, f.const(1, I1))

            return f.when(f.load(argument, _KIND, I64).eq(_ARE_OBJECTS), objects, all_tensors)

        def sized() -> tuple[Val, ...]:
            return f.when(py.size_of(f, value).eq(length), look, lambda: false(f))

        is_kind = py.type_of(f, value).eq(f.load(rest, 0, I64))
        return f.when(is_kind, sized, lambda: false(f))

    def read_form(self) -> None:
        self.count, self.value_count = self.field(_INPUTS, I64), self.field(_VALUES, I64)
        self.sources = self.f.at(self.form, self.field(_ARGUMENT_WORDS, I64) + _ARGUMENTS, I64)

    def hold(self) -> None:
        # Another thread may change a list while the kernel runs.
        self.f.loop(self.f.i64(0), self.count, 1, lambda i: self._count("Py_IncRef", i))

    def release(self) -> None:
        self.f.loop(self.f.i64(0), self.count, 1, lambda i: self._count("Py_DecRef", i))

    def _count(self, function: str, i: Val) -> None:
        self.f.call(function, self.input(i))

    def _source(self, number: Val) -> tuple[Val, Val]:
        """The constant of an input or argument, or null, and the tensor that it is otherwise."""
        f = self.f
        source = f.at(self.sources, number * _SOURCE, I64)
        return f.load(source, 0, PTR), f.load(self.tensors, f.load(source, 1, I64), PTR)

    def input(self, i: Val) -> Val:
        constant, tensor = self._source(i)
        return self._either(constant, lambda: tensor)

    def value(self, i: Val) -> Val:
        constant, tensor = self._source(i + self.count)
        return self._either(constant, lambda: self.f.load(tensor, self.word(VALUE_AT, I64), PTR))

    def _either(self, constant: Val, other: Callable[[], Val]) -> Val:
        return self.f.when(self.f.is_null(constant), lambda: (other(),), lambda: (constant,))[0]
