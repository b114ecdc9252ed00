"""Lists of small objects as builtins: their making and the reading of an attribute, which take Python 450 and 160 ns for the first one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import python_calls as py
from ..builtins import method
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I32, I64, PTR
from ..language.value import Val

_TYPE, _FIRST, _SECOND, _NUMBER, _NEXT, _LIST_TYPE = range(6)  # words of a description


class _Description(np.ndarray):
    """The words of a builtin; keeps the objects alive whose addresses they hold."""

    owner: Any = ()


def _described(*objects: Any) -> _Description:
    description = np.array([*map(id, objects)], np.int64).view(_Description)
    description.owner = objects
    return description


def maker_of(
    kind: type, first: str, second: str, number: str, numbers: Callable[[], int]
) -> Callable[[list[Any], list[Any]], list[Any]]:
    """Returns a builtin that makes a list of objects from two lists of the same length, without calling `__init__`.

    Args:
      kind: the class, whose objects have slots with the names that follow.
      first: the attribute that gets the first list's element.
      second: the attribute that gets the second one's.
      number: the attribute that gets the result of `numbers()`.
      numbers: gives an int.
    """
    return py.bind(_make(), _described(kind, first, second, number, numbers, list))


def reader_of(name: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Returns a builtin that gives an attribute of each element of a list.

    Args:
      name: of the attribute.
    """
    return py.bind(_read(), _described(name, list))


def _checked_list(f: Fn, words: Val, at: int, lists: int) -> None:
    """Goes on if the arguments are `lists` lists of one length, else ends with a TypeError; the type of lists is the word `at`."""
    f.branch(f.nargs.eq(lists), "counted", "wrong")
    f.start("counted")
    good = f.const(1, "i1")
    for i in range(lists):
        kind = py.type_of(f, f.load(f.argv, i, PTR))
        good = good & kind.eq(f.load(words, at, I64))
    f.branch(good, "lists", "wrong")
    f.start("wrong")
    py.give_type_error(f, "expected lists of the same length")
    f.start("lists")
    sizes = [_size(f, i) for i in range(lists)]
    f.branch(sizes[0].eq(sizes[-1]), "good", "wrong")
    f.start("good")


def _give_list(f: Fn, element: Callable[[Val], Val]) -> None:
    """Ends the entry with a list of an element for each of the first argument's; null if one has failed."""
    count = _size(f, 0)
    result = f.call("PyList_New", count, ret=PTR)

    def put(i: Val, good: Val) -> tuple[Val, ...]:
        def make() -> tuple[Val, ...]:
            made = element(i)
            f.call("PyList_SetItem", result, i, made, ret=I32)  # takes the reference, or a null
            return (f.is_null(made) ^ f.const(1, "i1"),)

        return f.when(good, make, lambda: (f.const(0, "i1"),))

    # Without a list there are no elements to put, and the failure is reported below.
    is_list = f.is_null(result) ^ f.const(1, "i1")
    (good,) = f.loop(f.i64(0), f.select(is_list, count, f.i64(0)), 1, put, is_list)
    f.branch(good, "done", "failed")
    f.start("failed")
    f.call("Py_DecRef", result)
    f.give(f.const(0, PTR))
    f.start("done")
    f.give(result)


def _size(f: Fn, argument: int) -> Val:
    return f.call("PyList_Size", f.load(f.argv, argument, PTR), ret=I64)


def _item(f: Fn, argument: int, i: Val) -> Val:
    return f.call("PyList_GetItem", f.load(f.argv, argument, PTR), i, ret=PTR)


@method("make_objects")
def _make(m: Module, name: str) -> None:
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        words = py.data_pointer(f, f.me)
        _checked_list(f, words, _LIST_TYPE, 2)

        def element(i: Val) -> Val:
            made = f.call("PyType_GenericAlloc", f.load(words, _TYPE, PTR), f.i64(0), ret=PTR)

            def fill() -> tuple[Val, ...]:
                number = f.call("PyObject_CallNoArgs", f.load(words, _NEXT, PTR), ret=PTR)
                for word, value in (
                    (_FIRST, _item(f, 0, i)),
                    (_SECOND, _item(f, 1, i)),
                    (_NUMBER, number),
                ):
                    f.call("PyObject_SetAttr", made, f.load(words, word, PTR), value, ret=I32)
                f.call("Py_DecRef", number)
                return (made,)

            return f.when(f.is_null(made), lambda: (made,), fill)[0]

        _give_list(f, element)


@method("read_attributes")
def _read(m: Module, name: str) -> None:
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        words = py.data_pointer(f, f.me)
        _checked_list(f, words, 1, 1)
        _give_list(
            f,
            lambda i: f.call("PyObject_GetAttr", _item(f, 0, i), f.load(words, 0, PTR), ret=PTR),
        )
