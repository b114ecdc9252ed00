"""Native code as Python builtins.

A call of a builtin (PyCFunction) over generated machine code takes about 13 ns, through ctypes 300. The entries are IR that
calls Python's C API by name, so that Python handles reference counts, including those of immortal objects.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from penstock._src.util.process import layouts

from .language.function import Fn
from .language.module import Module
from .language.types import I1, I32, I64, PTR
from .language.value import Val

METH_FASTCALL = 0x80


class _MethodDef(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int),
                ("doc", ctypes.c_char_p)]  # fmt: skip


_new_builtin = ctypes.pythonapi.PyCFunction_NewEx
_new_builtin.restype = ctypes.py_object
_new_builtin.argtypes = [ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.c_void_p]


def define(address: int, name: str, flags: int = METH_FASTCALL) -> _MethodDef:
    """Describes the machine code at `address` as a method; for `bind`, once for each address."""
    definition = _MethodDef(name.encode(), address, flags, None)
    # Never freed: builtins point to it and may outlive this module at interpreter shutdown.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(definition))
    return definition


def bind(definition: _MethodDef, owner: object):
    """A builtin that gets `owner` as its first C argument and keeps it alive."""
    return _new_builtin(ctypes.byref(definition), owner, None)


def builtin(address: int, name: str, flags: int = METH_FASTCALL, owner: object = None):
    """The machine code at `address` as a Python builtin."""
    return bind(define(address, name, flags), owner)


# -- fields of objects
def field(f: Fn, name: str) -> int:
    """The number of a field of objects (`util.process.layouts`), on which the function's module depends from then on."""
    f.module.layouts.add(layouts.kind_of(name))
    return int(getattr(layouts.LAYOUTS, name))


def type_of(f: Fn, obj: Val, ty: str = I64) -> Val:
    return f.load(obj, field(f, "object_type"), ty)


def size_of(f: Fn, sequence: Val) -> Val:
    """The number of elements of a tuple or list, or of a bytes object."""
    return f.load(sequence, field(f, "object_size"), I64)


def tuple_items(f: Fn, elements: Val) -> Val:
    """The address of a tuple's elements."""
    return f.at(elements, field(f, "tuple_items"), I64)


def list_items(f: Fn, elements: Val) -> Val:
    """The address of a list's elements, until its size changes."""
    return f.load(elements, field(f, "list_items"), PTR)


def begin_tuple(f: Fn, elements: Val) -> None:
    """Notes that a tuple which was allocated as zeros has no cached hash."""
    at = field(f, "tuple_hash")
    if at:
        f.store(f.i64(-1), elements, at)


def references_of(f: Fn, obj: Val) -> Val:
    return f.convert(f.load(obj, field(f, "references_count"), I32), I64)


def data_pointer(f: Fn, array: Val) -> Val:
    return f.load(array, field(f, "ndarray_data"), PTR)


def rank_of(f: Fn, array: Val) -> Val:
    return f.convert(f.load(array, field(f, "ndarray_rank"), I32), I64)


def extents_of(f: Fn, array: Val) -> Val:
    """The address of an array's extents."""
    return f.load(array, field(f, "ndarray_extents"), PTR)


def base_of(f: Fn, array: Val) -> Val:
    """The object whose memory an array shares, or null."""
    return f.load(array, field(f, "ndarray_base"), PTR)


def dtype_of(f: Fn, array: Val, ty: str = I64) -> Val:
    return f.load(array, field(f, "ndarray_dtype"), ty)


def flags_of(f: Fn, array: Val) -> Val:
    return f.convert(f.load(array, field(f, "ndarray_flags"), I32), I64)


# -- building blocks of entries
def integer(f: Fn, obj: Val) -> Val:
    """Converts a Python int to i64; gives -1 with a Python error set if it is not an int."""
    return f.call("PyLong_AsLongLong", obj, ret=I64)


def give(f: Fn, result: Val) -> None:
    """Ends an entry: returns an i64 as an int."""
    f.give(f.call("PyLong_FromLongLong", result, ret=PTR))


def give_type_error(f: Fn, message: str) -> None:
    """Sets a TypeError and returns NULL."""
    name = f"message.{f.name}"
    text = message.encode() + b"\0"
    spelled = "".join(f"\\{byte:02X}" for byte in text)
    f.module.declare(f'@{name} = private constant [{len(text)} x i8] c"{spelled}"')
    f.module.declare("@PyExc_TypeError = external global ptr")
    f.call("PyErr_SetString", f.load(f.address("PyExc_TypeError"), 0, PTR), f.address(name))
    f.give(f.const(0, PTR))


def _bytes(f: Fn, obj: Val) -> Val:
    return f.call("PyBytes_AsString", obj, ret=PTR)


def bytes_parts(f: Fn, obj: Val) -> tuple[Val, Val]:
    """The address and number of the bytes of a bytes object."""
    f.module.declare("@PyBytes_Type = external global ptr")

    def read() -> tuple[Val, ...]:
        return f.at(obj, field(f, "bytes_data")), size_of(f, obj)

    def asked() -> tuple[Val, ...]:
        return _bytes(f, obj), f.call("PyBytes_Size", obj, ret=I64)

    # Two calls take as long as a short string's own work.
    data, count = f.when(type_of(f, obj, PTR).eq(f.address("PyBytes_Type")), read, asked)
    return data, count


_CONVERSIONS = {"b": _bytes, "a": data_pointer, "n": integer}


def emit_entry(
    m: Module, name: str, parameters: str, holds_gil: bool = False, ret: str = I64
) -> None:
    """Adds `py_<name>`, the entry of a function that returns an i64, which becomes a Python int, or an object.

    Args:
      m: the module, which has the function.
      name: the function's name.
      parameters: a letter for each: "b" bytes and "a" an array, for which the function gets the address of the data; "n" an int.
      holds_gil: otherwise other threads run meanwhile, and the function may not touch Python's objects.
      ret: what the function returns: an i64, or a pointer to a new object (null after an error).
    """
    with m.fn(f"py_{name}", ret=PTR, me=PTR, argv=PTR, nargs=I64) as f:
        f.branch(f.nargs.eq(len(parameters)), "right", "wrong")
        f.start("wrong")
        give_type_error(f, f"{name}: expected {len(parameters)} arguments")
        f.start("right")
        arguments = []
        for at, letter in enumerate(parameters):
            argument = f.load(f.argv, at, PTR)
            arguments.append(_CONVERSIONS[letter](f, argument))
        # Once for all arguments: what a failed conversion gives may also be a value.
        f.branch(f.is_null(f.call("PyErr_Occurred", ret=PTR)), "good", "bad")
        f.start("bad")
        f.give(f.const(0, PTR))
        f.start("good")

        def work() -> Val:
            return f.call(name, *arguments, ret=ret)

        result = work() if holds_gil else without_gil(f, work)
        if ret == I64:
            give(f, result)
        else:
            f.give(result)


def tuple_of_integers(f: Fn, count: Val, number: Callable[[Val], Val]) -> Val:
    """A new tuple of `number(i)` for each index; null, with a Python error set, if memory is exhausted."""
    result = f.call("PyTuple_New", count, ret=PTR)

    def set_item(i: Val) -> None:
        item = f.call("PyLong_FromLongLong", number(i), ret=PTR)
        # It takes the reference over; a number that could not be made is null.
        f.call("PyTuple_SetItem", result, i, item, ret=I32)

    f.loop(f.i64(0), f.select(f.is_null(result), f.i64(0), count), 1, set_item)
    has_failed = f.is_null(f.call("PyErr_Occurred", ret=PTR)) ^ f.const(1, I1)

    def failed() -> tuple[Val, ...]:
        f.call("Py_DecRef", result)
        return (f.const(0, PTR),)

    return f.when(has_failed, failed, lambda: (result,))[0]


def without_gil(f: Fn, work) -> Any:
    state = f.call("PyEval_SaveThread", ret=PTR)
    result = work()
    f.call("PyEval_RestoreThread", state)
    return result


class DescribedCall:
    """Writes a builtin that the words of a description tell what to do; `me` is the description, an array.

    Args:
      f: the builtin's function.
    """

    def __init__(self, f: Fn) -> None:
        self.f = f
        self.words = data_pointer(f, f.me)
        self.pair = f.alloca(I64, 3)  # arguments of Python functions

    def word(self, number: int, ty: str = PTR) -> Val:
        """A word of the description."""
        return self.f.load(self.words, number, ty)

    def is_same(self, one: Val, other: Val) -> Val:
        """True if two pointers are equal."""
        return self.f.emit(I1, f"icmp eq ptr {one.s}, {other.s}")

    def called(self, function: Val, count: int) -> Val:
        """The result of a Python function of the first `count` objects of `pair`; null after an error."""
        f = self.f
        return f.call("PyObject_Vectorcall", function, self.pair, f.i64(count), f.const(0, PTR), ret=PTR)  # fmt: skip
