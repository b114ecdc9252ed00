"""Results of eager calls made by builtins: tensors of what a kernel gave, what tapes record of them, and the object that the caller gets.

`op_calls.py` finds and runs the kernel. Most kernels give one array. Others give a sequence of arrays, of which the caller gets one, or several in a
list or named tuple, as one recorded call said.
"""

from typing import Any

from ... import python_calls as py
from ...language.function import Fn
from ...language.types import I1, I32, I64, PTR
from ...language.value import Val
from ..array_forms import false

MOST_OUTPUTS = 8
# Words of a description, and of each form that follows them.
(INPUTS, COUNT, TENSOR, VALUE_AT, DTYPE_AT, ID_AT, STATE, DICT, GRAPH, TAPES, ACCUMULATORS, QUIET, SLOTS, RUN_NAME, RUN,
 NUMBER, RECORD, AS_ARRAY, NONE, ARRAY_TYPE, TUPLE_TYPE, LIST_TYPE, FIRST_FORM) = range(23)  # fmt: skip
(WORDS, FUNCTION, KEYWORDS, LAST, IS_QUIET, RUNS_ONCE, LARGE, OP, PRODUCT, MOST_WORK, ATTRIBUTES,
 OUTPUTS, OUTPUTS_AT, IS_SEQUENCE, CONTAINER, RESULTS, FORM_HEAD) = range(17)  # fmt: skip
# Words of an output: its dtype and that of its array. The positions of the results follow the outputs.
_DTYPE, _STORAGE, OUTPUT_WORDS = range(3)


class ResultsOfCall(py.DescribedCall):
    """Writes what follows the run of a kernel."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.tensors_made = f.alloca(I64, MOST_OUTPUTS)
        self.form = self.words  # until one is found
        self.count = f.i64(0)  # of the op's inputs

    def field(self, number: int, ty: str = PTR) -> Val:
        """A word of the form that was found."""
        return self.f.load(self.form, number, ty)

    def input(self, i: Val) -> Val:
        """An input of the op, a tensor."""
        raise NotImplementedError

    def output(self, i: Val) -> Val:
        """A tensor that was made."""
        return self.f.load(self.tensors_made, i, PTR)

    def make_outputs(self, result: Val) -> Val:
        """True if all outputs are tensors now, of what a kernel gave, which is used up; otherwise an error is set."""
        f = self.f

        def wrap(i: Val, value: Val) -> tuple[Val, ...]:
            words = f.at(self.form, self.field(OUTPUTS_AT, I64) + i * OUTPUT_WORDS, I64)
            array = self._array(value, f.load(words, _STORAGE, PTR))
            none = (f.const(0, PTR),)
            (tensor,) = f.when(f.is_null(array), lambda: none, lambda: self._tensor(array, f.load(words, _DTYPE, PTR)))  # fmt: skip
            f.store(tensor, f.at(self.tensors_made, i, I64))
            return (f.is_null(tensor) ^ f.const(1, I1),)

        def single() -> tuple[Val, ...]:
            return wrap(f.i64(0), result)

        def several() -> tuple[Val, ...]:
            (good,) = f.when(self._is_sequence_of_outputs(result), each, self._refuse)
            f.call("Py_DecRef", result)
            return (good,)

        def each() -> tuple[Val, ...]:
            (elements,) = self._elements(result)

            def one(i: Val, made: Val, good: Val) -> tuple[Val, ...]:
                def go_on() -> tuple[Val, ...]:
                    value = f.load(elements, i, PTR)
                    f.call("Py_IncRef", value)
                    (good,) = wrap(i, value)
                    return f.select(good, i + 1, i), good

                return f.when(good, go_on, lambda: (made, *false(f)))

            made, good = f.loop(f.i64(0), self.field(OUTPUTS, I64), 1, one, f.i64(0), f.const(1, I1))  # fmt: skip
            f.when(good, lambda: (), lambda: self.drop_outputs(made))
            return (good,)

        def made() -> tuple[Val, ...]:
            return f.when(self.field(IS_SEQUENCE, I64).eq(0), single, several)

        return f.when(f.is_null(result), lambda: false(f), made)[0]

    def _is_sequence_of_outputs(self, result: Val) -> Val:
        """True for a list or tuple of as many values as there are outputs."""
        f = self.f
        kind = py.type_of(f, result, PTR)
        is_sequence = self.is_same(kind, self.word(TUPLE_TYPE)) | self.is_same(kind, self.word(LIST_TYPE))  # fmt: skip
        return f.when(is_sequence, lambda: (py.size_of(f, result).eq(self.field(OUTPUTS, I64)),), lambda: false(f))[0]  # fmt: skip

    def _elements(self, sequence: Val) -> tuple[Val, ...]:
        """The address of the elements of a list or tuple."""
        f = self.f
        is_list = self.is_same(py.type_of(f, sequence, PTR), self.word(LIST_TYPE))
        return f.when(is_list, lambda: (py.list_items(f, sequence),), lambda: (py.tuple_items(f, sequence),))  # fmt: skip

    def _refuse(self) -> tuple[Val, ...]:
        """Sets an error, for which the call is left to the long way."""
        self.f.call("PyErr_SetNone", self.exception())
        return false(self.f)

    def exception(self) -> Val:
        """The class `Exception`."""
        f = self.f
        f.module.declare("@PyExc_Exception = external global ptr")
        return f.load(f.address("PyExc_Exception"), 0, PTR)

    def drop_outputs(self, count: Val) -> tuple[Val, ...]:
        """Gives up the first tensors that were made."""
        f = self.f
        return f.loop(f.i64(0), count, 1, lambda i: f.call("Py_DecRef", self.output(i)))

    def arranged(self) -> Val:
        """What the caller gets of the outputs, which are used up; null after an error."""
        f = self.f
        outputs = self.field(OUTPUTS, I64)
        results = f.at(self.form, self.field(OUTPUTS_AT, I64) + outputs * OUTPUT_WORDS, I64)

        def chosen(i: Val) -> Val:
            value = self.output(f.load(results, i, I64))
            f.call("Py_IncRef", value)
            return value

        def allocated(kind: Val, count: Val) -> tuple[Val, ...]:
            elements = f.call("PyType_GenericAlloc", kind, count, ret=PTR)

            def begin() -> tuple[Val, ...]:
                py.begin_tuple(f, elements)
                return ()

            f.when(f.is_null(elements), lambda: (), begin)
            return (elements,)

        def contained() -> tuple[Val, ...]:
            count, kind = self.field(RESULTS, I64), self.field(CONTAINER)
            (container,) = f.when(
                self.is_same(kind, self.word(LIST_TYPE)),
                lambda: (f.call("PyList_New", count, ret=PTR),),
                lambda: allocated(kind, count),
            )

            def fill() -> tuple[Val, ...]:
                (elements,) = self._elements(container)
                f.loop(f.i64(0), count, 1, lambda i: f.store(chosen(i), f.at(elements, i, I64)))
                return ()

            f.when(f.is_null(container), lambda: (), fill)
            return (container,)

        has_none = self.field(CONTAINER, I64).eq(0)
        (result,) = f.when(has_none, lambda: (chosen(f.i64(0)),), contained)
        self.drop_outputs(outputs)
        return result

    def _array(self, result: Val, storage: Val) -> Val:
        """A value, which is used up, as an array of a dtype; null after an error."""
        f = self.f

        def is_right() -> tuple[Val, ...]:
            return (self.is_same(py.dtype_of(f, result, PTR), storage),)

        def convert() -> tuple[Val, ...]:
            f.store(result, self.pair)
            f.store(storage, self.pair, 1)
            array = self.called(self.word(AS_ARRAY), 2)
            f.call("Py_DecRef", result)
            return (array,)

        is_array = py.type_of(f, result).eq(self.word(ARRAY_TYPE, I64))
        (good,) = f.when(is_array, is_right, lambda: false(f))
        return f.when(good, lambda: (result,), convert)[0]

    def _tensor(self, array: Val, dtype: Val) -> tuple[Val, ...]:
        """A tensor of an array, which it takes over; null after an error."""
        f = self.f
        number = f.call("PyObject_CallNoArgs", self.word(NUMBER), ret=PTR)

        def make() -> tuple[Val, ...]:
            tensor = f.call("PyType_GenericAlloc", self.word(TENSOR), f.i64(0), ret=PTR)
            return f.when(f.is_null(tensor), lambda: fail(number), lambda: fill(tensor))

        def fill(tensor: Val) -> tuple[Val, ...]:
            f.call("Py_IncRef", dtype)
            for at, value in ((VALUE_AT, array), (DTYPE_AT, dtype), (ID_AT, number)):
                f.store(value, f.at(tensor, self.word(at, I64), I64))
            return (tensor,)

        def fail(number: Val | None = None) -> tuple[Val, ...]:
            f.call("Py_DecRef", array)
            if number is not None:
                f.call("Py_DecRef", number)
            return (f.const(0, PTR),)

        return f.when(f.is_null(number), fail, make)

    def record(self) -> Val:
        """True unless the function that records the call has failed."""
        f = self.f
        made = self.field(OUTPUTS, I64)
        inputs = f.call("PyTuple_New", self.count, ret=PTR)
        outputs = f.call("PyTuple_New", made, ret=PTR)

        def put(objects: Val, i: Any, value: Val) -> None:
            f.call("Py_IncRef", value)
            f.call("PyTuple_SetItem", objects, i, value, ret=I32)

        def call() -> tuple[Val, ...]:
            f.loop(f.i64(0), self.count, 1, lambda i: put(inputs, i, self.input(i)))
            f.loop(f.i64(0), made, 1, lambda i: put(outputs, i, self.output(i)))
            for i, value in enumerate((self.field(OP), inputs, outputs)):
                f.store(value, self.pair, i)
            result = self.called(self.word(RECORD), 3)
            f.call("Py_DecRef", result)  # of null it does nothing
            return (result,)

        is_short = f.is_null(inputs) | f.is_null(outputs)
        (result,) = f.when(is_short, lambda: (f.const(0, PTR),), call)
        f.call("Py_DecRef", inputs)
        f.call("Py_DecRef", outputs)
        return f.is_null(result) ^ f.const(1, I1)
