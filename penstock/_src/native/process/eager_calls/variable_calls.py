"""Reads and assignments of variables as builtins, where Python takes 1 to 2 us.

They serve variables of this process that hold an array, in eager code that nothing records or observes. They give None for any other call, before
anything has changed, and the caller takes the long way, which gives the result or the error.

An update writes into the variable's array if nothing else refers to it, as compiled programs do: a read is a tensor of the same array, which then has
a second reference, so that it remains a snapshot.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.values.memory import OWN_BLOCKS
from penstock._src.util.process.layouts import LAYOUTS

from ... import python_calls as py
from ...builtins import method
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, F64, I1, I32, I64, PTR
from ...language.value import Val
from ..array_forms import PLAIN, WRITABLE, false, true
from .op_calls import OpCall, Surroundings, describe
from .results import ARRAY_TYPE, DTYPE_AT, FIRST_FORM, NONE, TENSOR, TUPLE_TYPE, VALUE_AT

MOST_ELEMENTS = 1 << 14  # the update of an array keeps other threads waiting
_LIMIT = 2.0**31  # as in `core.convert.number`
# Words of a description after those of the surroundings.
(_VARIABLE, _HANDLE_TYPE, _RESULT_TYPE, _OBSERVED, _WRITING, _HERE, _ACQUIRE, _RELEASE, _SUBTRACTS, _FLOAT, _INT,
 _FALSE, _TRUE, _OF_HANDLE, _OF_DTYPE, _OF_SHAPE, _OF_EXTENTS, _VALUE, _RESOURCE_DTYPE, _DEVICE, _VERSION, _MAKER, _ORIGINAL,
 _RECORD_READ, _OWN) = range(FIRST_FORM, FIRST_FORM + 25)  # fmt: skip
_STORAGE = _OWN + len(OWN_BLOCKS)
# The dtypes of arrays that are updated here.
_UPDATED = {"float32": F32, "float64": F64, "int32": I32, "int64": I64}
_WORDS = _STORAGE + len(_UPDATED)
_ALONE = 2  # references to the array of a variable without other owners: the variable's and that of this call


@dataclasses.dataclass(frozen=True)
class VariableSurroundings:
    """What a call looks at and calls, besides what all eager calls do.

    Args:
      variable: the class of variables that are served.
      handle: the class of their resources.
      result: the class of an assignment's result, whose attribute `_original` is the variable.
      observed: a list that must be empty: of those who see all ops.
      writing: a list that must be empty: of programs that write into variables.
      here: the thread's facts, whose `maker` must be None.
      lock: held during an assignment.
      record: is called with a variable and the tensor of a read where there are tapes or accumulators.
    """

    variable: type
    handle: type
    result: type
    observed: list[Any]
    writing: list[Any]
    here: Any
    lock: Any
    record: Callable[[Any, Any], Any]


@dataclasses.dataclass(frozen=True)
class VariableCalls:
    """Builtins that give None for calls that they do not serve.

    Args:
      read: gives the value of a variable as a tensor.
      assign: sets a variable to a tensor or number.
      add: adds a tensor or number to a variable.
      subtract: subtracts one.
    """

    read: Callable[[Any], Any]
    assign: Callable[[Any, Any], Any]
    add: Callable[[Any, Any], Any]
    subtract: Callable[[Any, Any], Any]


def variable_calls(around: Surroundings, of_variables: VariableSurroundings) -> VariableCalls:
    """Returns the builtins for eager code.

    Args:
      around: what all eager calls look at.
      of_variables: what those of variables look at.
    """
    first = _description(around, of_variables, subtracts=False)
    second = _description(around, of_variables, subtracts=True)
    return VariableCalls(
        py.bind(_read_entry(), first), py.bind(_assign_entry(), first),
        py.bind(_update_entry(), first), py.bind(_update_entry(), second),
    )  # fmt: skip


def _description(
    around: Surroundings, of_variables: VariableSurroundings, subtracts: bool
) -> np.ndarray:
    lock = of_variables.lock
    objects = {
        _VARIABLE: of_variables.variable, _HANDLE_TYPE: of_variables.handle, _RESULT_TYPE: of_variables.result,
        _OBSERVED: of_variables.observed, _WRITING: of_variables.writing, _HERE: of_variables.here,
        _RECORD_READ: of_variables.record, _ACQUIRE: lock.acquire, _RELEASE: lock.release, _FLOAT: float, _INT: int, _FALSE: False, _TRUE: True,
        _OF_HANDLE: "_handle", _OF_DTYPE: "_dtype", _OF_SHAPE: "_shape", _OF_EXTENTS: "_dims", _VALUE: "value",
        _RESOURCE_DTYPE: "dtype", _DEVICE: "device", _VERSION: "version", _MAKER: "maker", _ORIGINAL: "_original",
        **{_OWN + i: block for i, block in enumerate(OWN_BLOCKS)},
        **{_STORAGE + i: np.dtype(name) for i, name in enumerate(_UPDATED)},
    }  # fmt: skip
    words = [0] * (_WORDS - FIRST_FORM)
    for at, value in objects.items():
        words[at - FIRST_FORM] = id(value)
    words[_SUBTRACTS - FIRST_FORM] = subtracts
    return describe(0, [words], around, [objects, of_variables])


@method("read_variable", "tuple", "list")
def _read_entry(m: Module, name: str) -> None:
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _Read(f).write()


@method("assign_variable", "references", "tuple", "list")
def _assign_entry(m: Module, name: str) -> None:
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _Assign(f).write()


@method("update_variable", "references", "tuple", "list")
def _update_entry(m: Module, name: str) -> None:
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _Update(f).write()


class _VariableCall(OpCall):
    """Writes what all calls do: `use` is what they do with a variable's resource and dtype."""

    arguments = 1

    def use(self, resource: Val, dtype: Val) -> Val:
        """The result of the call; null if it is not served, or after an error.

        Args:
          resource: a handle without device; neither it nor the dtype is owned, but the variable has them.
          dtype: of the variable and of its resource.
        """
        raise NotImplementedError

    @property
    def variable(self) -> Val:
        """The variable."""
        return self.f.load(self.f.argv, 0, PTR)

    @property
    def operand(self) -> Val:
        """What is assigned or added."""
        return self.f.load(self.f.argv, 1, PTR)

    def write(self) -> None:
        """Writes the function."""
        f = self.f
        is_served = f.when(f.nargs.eq(self.arguments), self._is_plain, lambda: false(f))[0]
        f.branch(is_served, "serve", "decline")
        f.start("serve")
        result = self.run()
        f.branch(f.is_null(result), "unserved", "done")
        f.start("done")
        f.give(result)
        f.start("unserved")
        f.call("PyErr_Clear")  # nothing has changed, and the long way meets the same error
        f.jump("decline")
        f.start("decline")
        none = self.word(NONE)
        f.call("Py_IncRef", none)
        f.give(none)

    def run(self) -> Val:
        """The result of a call in which nothing is recorded; null if it is not served."""
        return self._of_resource()

    def nothing(self) -> tuple[Val, ...]:
        """What says that a call is not served."""
        return (self.f.const(0, PTR),)

    def _is_plain(self) -> tuple[Val, ...]:
        f = self.f

        def around() -> tuple[Val, ...]:
            served, recorded, _ = self._look_around()
            return (self.is_served_around(served, recorded),)

        return f.when(self.is_of_type(self.variable, _VARIABLE), around, lambda: false(f))

    def is_served_around(self, served: Val, recorded: Val) -> Val:
        """True if calls are served where eager calls are, which may be recorded."""
        return served & (recorded ^ self.f.const(1, I1)) & self._is_empty(_OBSERVED)

    def _is_empty(self, number: int) -> Val:
        return py.size_of(self.f, self.word(number)).eq(0)

    def attribute(self, owner: Val, name: int) -> Val:
        """An attribute that its owner keeps, without a reference of its own; null if there is none."""
        value = self.owned_attribute(owner, name)
        self.f.call("Py_DecRef", value)  # of null it does nothing
        return value

    def owned_attribute(self, owner: Val, name: int) -> Val:
        """A new reference to an attribute; null if there is none."""
        return self.f.call("PyObject_GetAttr", owner, self.word(name), ret=PTR)

    def is_of_type(self, value: Val, number: int) -> Val:
        """True if the type of an object is that in a word."""
        return py.type_of(self.f, value).eq(self.word(number, I64))

    def _of_resource(self) -> Val:
        f = self.f
        handle = self.attribute(self.variable, _OF_HANDLE)
        dtype = self.attribute(self.variable, _OF_DTYPE)

        def of_handle() -> tuple[Val, ...]:
            resource = f.load(handle, self.word(VALUE_AT, I64), PTR)
            is_plain = self.is_of_type(resource, _HANDLE_TYPE)
            return f.when(is_plain, lambda: of_plain(resource), self.nothing)

        def of_plain(resource: Val) -> tuple[Val, ...]:
            is_here = self.is_same(self.attribute(resource, _DEVICE), self.word(NONE))
            is_here = is_here & self.is_same(self.attribute(resource, _RESOURCE_DTYPE), dtype)
            return f.when(is_here, lambda: (self.use(resource, dtype),), self.nothing)

        def is_tensor() -> tuple[Val, ...]:
            return (self.is_of_type(handle, TENSOR),)

        is_short = f.is_null(handle) | f.is_null(dtype)
        (good,) = f.when(is_short, lambda: false(f), is_tensor)
        return f.when(good, of_handle, self.nothing)[0]

    def is_array(self, value: Val) -> Val:
        """True if an object, which may be null, is an array."""
        f = self.f
        return f.when(f.is_null(value), lambda: false(f), lambda: (self.is_of_type(value, ARRAY_TYPE),))[0]  # fmt: skip


class _Read(_VariableCall):
    """Writes the read of a variable, which Python records if something does."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.recorded = f.alloca(I64)

    def is_served_around(self, served: Val, recorded: Val) -> Val:
        f = self.f
        f.store(f.select(recorded, f.i64(1), f.i64(0)), self.recorded)
        return served

    def use(self, resource: Val, dtype: Val) -> Val:
        f = self.f
        # The reference comes before the look at those who write: a program that starts later sees it.
        array = self.owned_attribute(resource, _VALUE)
        is_whole = self.is_array(array) & self._is_empty(_WRITING)

        def decline() -> tuple[Val, ...]:
            f.call("Py_DecRef", array)
            return self.nothing()

        def made() -> tuple[Val, ...]:
            (tensor,) = self._tensor(array, dtype)
            is_recorded = f.load(self.recorded, 0, I64).ne(0) & (f.is_null(tensor) ^ f.const(1, I1))
            return f.when(is_recorded, lambda: self._record_read(tensor), lambda: (tensor,))

        return f.when(is_whole, made, decline)[0]

    def _record_read(self, tensor: Val) -> tuple[Val, ...]:
        """The tensor once the read is recorded; null after an error."""
        f = self.f
        f.store(self.variable, self.pair)
        f.store(tensor, self.pair, 1)
        done = self.called(self.word(_RECORD_READ), 2)
        f.call("Py_DecRef", done)  # of null it does nothing

        def failed() -> tuple[Val, ...]:
            f.call("Py_DecRef", tensor)
            return self.nothing()

        return f.when(f.is_null(done), failed, lambda: (tensor,))


class _LockedCall(_VariableCall):
    """Writes a call that assigns: with the lock of all that do."""

    arguments = 2

    def run(self) -> Val:
        f = self.f

        def make() -> tuple[Val, ...]:
            # Before the variable changes: a call that has changed it cannot be left to the long way.
            result = f.call("PyType_GenericAlloc", self.word(_RESULT_TYPE), f.i64(0), ret=PTR)
            return f.when(f.is_null(result), self.nothing, lambda: fill(result))

        def fill(result: Val) -> tuple[Val, ...]:
            code = f.call(
                "PyObject_GenericSetAttr", result, self.word(_ORIGINAL), self.variable, ret=I32
            )
            (done,) = f.when(code.eq(0), self._locked, lambda: false(f))
            return f.when(done, lambda: (result,), lambda: drop(result))

        def drop(result: Val) -> tuple[Val, ...]:
            f.call("Py_DecRef", result)
            return self.nothing()

        maker = self.attribute(self.word(_HERE), _MAKER)
        return f.when(self.is_same(maker, self.word(NONE)), make, self.nothing)[0]

    def _locked(self) -> tuple[Val, ...]:
        """True if the variable has changed. A lock that another thread holds is left to the long way, which waits for it."""
        f = self.f
        f.store(self.word(_FALSE), self.pair)
        taken = self.called(self.word(_ACQUIRE), 1)
        f.call("Py_DecRef", taken)  # True and False live on

        def change() -> tuple[Val, ...]:
            mode = f.call("penstock_denormals_flush", ret=I64)
            (done,) = f.when(self._is_empty(_WRITING), lambda: (self._of_resource(),), self.nothing)
            f.call("penstock_denormals_restore", mode)
            f.call("Py_DecRef", f.call("PyObject_CallNoArgs", self.word(_RELEASE), ret=PTR))
            return (f.is_null(done) ^ f.const(1, I1),)

        return f.when(self.is_same(taken, self.word(_TRUE)), change, lambda: false(f))

    def is_operand(self, dtype: Val) -> Val:
        """True if the operand is a tensor of a dtype with an array."""
        f = self.f

        def look() -> tuple[Val, ...]:
            is_right = f.load(self.operand, self.word(DTYPE_AT, I64), I64).eq(_address(f, dtype))
            return (is_right & self.is_array(f.load(self.operand, self.word(VALUE_AT, I64), PTR)),)

        return f.when(self.is_of_type(self.operand, TENSOR), look, lambda: false(f))[0]

    def is_number(self) -> Val:
        """True for a float or an int itself."""
        return self.is_of_type(self.operand, _FLOAT) | self.is_of_type(self.operand, _INT)

    def done(self) -> tuple[Val, ...]:
        """What says that the variable has changed."""
        return (self.word(NONE),)

    def into_own(self, resource: Val, write: Callable[[Val], tuple[Val, ...]]) -> tuple[Val, ...]:
        """What `write` gives for the array of a variable, to which nothing else refers; null if it is not so."""
        f = self.f
        array = self.owned_attribute(resource, _VALUE)

        def own() -> tuple[Val, ...]:
            wanted = PLAIN | WRITABLE
            is_plain = (py.flags_of(f, array) & wanted).eq(wanted)
            is_own = py.references_of(f, array).eq(_ALONE) & is_plain
            (is_own,) = f.when(is_own, lambda: self._has_own_memory(array), lambda: false(f))
            return f.when(is_own, lambda: write(array), self.nothing)

        (result,) = f.when(self.is_array(array), own, self.nothing)
        f.call("Py_DecRef", array)
        return (result,)

    def _has_own_memory(self, array: Val) -> tuple[Val, ...]:
        f = self.f
        base = py.base_of(f, array)

        def of_block() -> tuple[Val, ...]:
            (good,) = false(f)
            for i in range(len(OWN_BLOCKS)):
                good = good | self.is_of_type(base, _OWN + i)
            return (good,)

        return f.when(f.is_null(base), lambda: true(f), of_block)

    def for_type(self, array: Val, write: Callable[[str], tuple[Val, ...]]) -> tuple[Val, ...]:
        """What `write` gives for the type of an array's elements; null if it is another than those that are updated here."""
        f = self.f
        dtype = py.dtype_of(f, array)

        def of_type(rest: list[tuple[int, str]]) -> tuple[Val, ...]:
            if not rest:
                return self.nothing()
            (at, ty), *others = rest
            is_it = dtype.eq(self.word(_STORAGE + at, I64))
            return f.when(is_it, lambda: write(ty), lambda: of_type(others))

        return of_type(list(enumerate(_UPDATED.values())))

    def with_number(self, ty: str, use: Callable[[Val], tuple[Val, ...]]) -> tuple[Val, ...]:
        """What `use` gives for the operand, a number, as a value of a type; null if it does not fit."""
        f = self.f
        is_float = self.is_of_type(self.operand, _FLOAT)

        def of_float() -> tuple[Val, ...]:
            if ty not in (F32, F64):
                return self.nothing()
            value = f.call("PyFloat_AsDouble", self.operand, ret=F64)
            fits = (value > -_LIMIT) & (value < _LIMIT)  # not for NaN
            return f.when(fits, lambda: use(f.convert(value, ty)), self.nothing)

        def of_int() -> tuple[Val, ...]:
            value = py.integer(f, self.operand)
            fits = (value > -int(_LIMIT)) & (value < int(_LIMIT))
            # -1 may stand for an error.
            (is_right,) = f.when(value.eq(-1), lambda: (f.is_null(f.call("PyErr_Occurred", ret=PTR)),), lambda: true(f))  # fmt: skip
            return f.when(fits & is_right, lambda: use(f.convert(value, ty)), self.nothing)

        return f.when(is_float, of_float, of_int)

    def new_version(self, resource: Val) -> Val:
        """True if the variable has its next version: what was derived from the array before is outdated."""
        f = self.f
        version = py.integer(f, self.attribute(resource, _VERSION))
        following = f.call("PyLong_FromLongLong", version + 1, ret=PTR)

        def keep() -> tuple[Val, ...]:
            code = f.call("PyObject_SetAttr", resource, self.word(_VERSION), following, ret=I32)
            f.call("Py_DecRef", following)
            return (code.eq(0),)

        return f.when(f.is_null(following), lambda: false(f), keep)[0]


class _Assign(_LockedCall):
    """Writes the assignment of a tensor, whose array the variable shares from then on, or of a number."""

    def use(self, resource: Val, dtype: Val) -> Val:
        f = self.f

        def of_tensor() -> tuple[Val, ...]:
            array = f.load(self.operand, self.word(VALUE_AT, I64), PTR)
            rank, extents = py.rank_of(f, array), py.extents_of(f, array)
            is_contiguous = (py.flags_of(f, array) & LAYOUTS.ndarray_contiguous).ne(0)
            (fits,) = f.when(
                is_contiguous, lambda: self._has_shape(rank, extents), lambda: false(f)
            )
            return f.when(fits, lambda: share(array), self.nothing)

        def share(array: Val) -> tuple[Val, ...]:
            code = f.call("PyObject_SetAttr", resource, self.word(_VALUE), array, ret=I32)
            return f.when(code.eq(0), self.done, self.nothing)

        def of_number() -> tuple[Val, ...]:
            return self.into_own(resource, number)

        def number(array: Val) -> tuple[Val, ...]:
            rank = py.rank_of(f, array)
            (fits,) = f.when(
                self.is_number() & rank.eq(0),
                lambda: self._has_shape(rank, f.const(0, PTR)),
                lambda: false(f),
            )
            return f.when(
                fits, lambda: self.for_type(array, lambda ty: write(array, ty)), self.nothing
            )

        def write(array: Val, ty: str) -> tuple[Val, ...]:
            return self.with_number(ty, lambda value: store(array, value))

        def store(array: Val, value: Val) -> tuple[Val, ...]:
            def change() -> tuple[Val, ...]:
                f.store(value, py.data_pointer(f, array))
                return self.done()

            return f.when(self.new_version(resource), change, self.nothing)

        return f.when(self.is_operand(dtype), of_tensor, of_number)[0]

    def _has_shape(self, rank: Val, extents: Val) -> tuple[Val, ...]:
        """True if the variable's static shape has exactly these extents."""
        f = self.f
        shape = self.attribute(self.variable, _OF_SHAPE)

        def look() -> tuple[Val, ...]:
            dims = self.attribute(shape, _OF_EXTENTS)
            (is_tuple,) = f.when(
                f.is_null(dims), lambda: false(f), lambda: (self.is_of_type(dims, TUPLE_TYPE),)
            )
            return f.when(is_tuple, lambda: same(dims), lambda: false(f))

        def same(dims: Val) -> tuple[Val, ...]:
            has_rank = py.size_of(f, dims).eq(rank)
            return f.when(has_rank, lambda: f.loop(f.i64(0), rank, 1, lambda i, good: (good & extent(dims, i),), f.const(1, I1)), lambda: false(f))  # fmt: skip

        def extent(dims: Val, i: Val) -> Val:
            static = f.load(py.tuple_items(f, dims), i, PTR)
            # An unknown extent is None.
            (number,) = f.when(self.is_of_type(static, _INT), lambda: (py.integer(f, static),), lambda: (f.i64(-1),))  # fmt: skip
            return number.eq(f.load(extents, i, I64))

        return f.when(f.is_null(shape), lambda: false(f), look)


class _Update(_LockedCall):
    """Writes the addition or subtraction of a tensor or number in place."""

    def use(self, resource: Val, dtype: Val) -> Val:
        f = self.f

        def of_tensor(array: Val) -> tuple[Val, ...]:
            other = f.load(self.operand, self.word(VALUE_AT, I64), PTR)
            rank = py.rank_of(f, array)
            extents, others_extents = py.extents_of(f, array), py.extents_of(f, other)
            is_like = (
                rank.eq(py.rank_of(f, other))
                & (py.flags_of(f, other) & PLAIN).eq(PLAIN)
                & py.dtype_of(f, array).eq(py.dtype_of(f, other))
            )

            def compare() -> tuple[Val, ...]:
                return f.loop(f.i64(0), rank, 1, same, f.i64(1), f.const(1, I1))

            def same(axis: Val, size: Val, good: Val) -> tuple[Val, ...]:
                extent = f.load(extents, axis, I64)
                return size * extent, good & extent.eq(f.load(others_extents, axis, I64))

            size, good = f.when(is_like, compare, lambda: (f.i64(0), *false(f)))
            data = py.data_pointer(f, other)
            return f.when(good & (size < MOST_ELEMENTS), lambda: self.for_type(array, lambda ty: change(array, ty, data, size)), self.nothing)  # fmt: skip

        def of_number(array: Val) -> tuple[Val, ...]:
            fits = self.is_number() & py.rank_of(f, array).eq(0)
            return f.when(
                fits, lambda: self.for_type(array, lambda ty: number(array, ty)), self.nothing
            )

        def number(array: Val, ty: str) -> tuple[Val, ...]:
            def store(value: Val) -> tuple[Val, ...]:
                f.store(value, self.pair)
                return change(array, ty, self.pair, f.i64(1))

            return self.with_number(ty, store)

        def change(array: Val, ty: str, data: Val, size: Val) -> tuple[Val, ...]:
            def all_elements() -> tuple[Val, ...]:
                own = py.data_pointer(f, array)

                def by(op: str) -> tuple[Val, ...]:
                    return f.loop(f.i64(0), size, 1, lambda i: self._change(op, own, data, i, ty))

                f.when(self.word(_SUBTRACTS, I64).eq(0), lambda: by("add"), lambda: by("sub"))
                return self.done()

            return f.when(self.new_version(resource), all_elements, self.nothing)

        def own(array: Val) -> tuple[Val, ...]:
            return f.when(
                self.is_operand(dtype), lambda: of_tensor(array), lambda: of_number(array)
            )

        return self.into_own(resource, own)[0]

    def _change(self, op: str, own: Val, data: Val, i: Val, ty: str) -> None:
        """Changes an element. Without LLVM's freedoms: the bits are NumPy's."""
        f = self.f
        x, y = f.load(own, i, ty), f.load(data, i, ty)
        instruction = f"f{op}" if ty in (F32, F64) else op
        f.store(f.emit(ty, f"{instruction} {ty} {x.s}, {y.s}"), own, i)


def _address(f: Fn, pointer: Val) -> Val:
    return f.emit(I64, f"ptrtoint ptr {pointer.s} to i64")
