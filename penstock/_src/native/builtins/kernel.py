"""Kernels: Python functions over arrays and numbers that run as native code (docs/kernels.md)."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from penstock._src.util.flags import flags

from .. import python_calls as py
from ..code import ModuleCode
from ..kernels import kernels
from ..language.expressions import OUTSIDE, Array
from ..language.function import Fn
from ..language.module import Module
from ..language.numbers import TYPES, Number, Numbers, is_float, is_integer, kind_of
from ..language.translation import Translator, texts_of
from ..language.types import F64, I1, I32, I64, PTR
from ..language.value import Val
from ..systems import runs_native_code
from . import entry

Elements = TypeVar("Elements", bound=Iterable[Any])


def static(elements: Elements) -> Elements:
    """Marks a loop whose body is written once for each element of a range or a tuple that is known when the kernel is translated."""
    return elements


class Parameter(NamedTuple):
    """A parameter of a kernel.

    Attributes:
      name: its name.
      kind: of the number, or of the array's elements; a name of the signature's own is the dtype of the call.
      extents: of an array: sums of what a name stands for, or nothing, and a number; None for a number.
    """

    name: str
    kind: str
    extents: tuple[tuple[str, int], ...] | None


class Kernel:
    """How a Python function becomes native code.

    Attributes:
      function: the Python function.
      signature: its parameters' kinds and extents.
    """

    def __init__(self, function: FunctionType, signature: str) -> None:
        self.function, self.name, self.signature = function, function.__name__, signature
        self.parameters = parameters_of(signature)
        names = [parameter.name for parameter in self.parameters]
        received = list(function.__code__.co_varnames[: function.__code__.co_argcount])
        if names != received:
            raise TypeError(
                f"kernel: the signature of {self.name} must name its parameters {received}. Received {names}."
            )
        kinds = [parameter.kind for parameter in self.parameters]
        # The first parameter of each kind that the call decides.
        self.open = {kind: kinds.index(kind) for kind in kinds if kind not in TYPES}
        self._write = functools.update_wrapper(functools.partial(write_module, self), function)

    def native(self, dtypes: tuple[Any, ...]) -> Callable[..., Any] | None:
        """The builtin for dtypes of the open kinds; None where no native code runs, or the function's text is not there."""
        names = [dtype.name for dtype in dtypes]
        wrong = [name for name in names if name not in TYPES]
        if wrong:
            raise TypeError(f"{self.name}: kernels have no numbers of {wrong[0]}.")
        try:
            texts = "\n".join([self.signature, *texts_of(self.function)])
        except OSError:
            return None
        if not runs_native_code():
            return None
        digest = hashlib.sha256(texts.encode()).hexdigest()
        code = ModuleCode(self._write, (digest, int(flags.checked), *names), kernels().cache)
        native = entry(code, self.name, self._types(dict(zip(self.open, names))))
        return self._with_lines(native) if flags.checked else native

    def _with_lines(self, native: Callable[..., Any]) -> Callable[..., Any]:
        """A checked builtin whose errors name the file."""

        def call(*arguments: Any) -> Any:
            try:
                return native(*arguments)
            except IndexError as error:
                place = f"{self.function.__code__.co_filename}, line {error}"
                raise IndexError(f"{self.name}: an index is out of range in {place}") from None

        return call

    def _types(self, kinds: dict[str, str]) -> np.ndarray:
        """The addresses of the type of arrays and of their dtypes, which the entry compares."""
        dtypes = [
            np.dtype(kinds.get(parameter.kind, parameter.kind))
            for parameter in self.parameters
            if parameter.extents is not None
        ]
        return np.array([id(each) for each in (np.ndarray, *dtypes)], np.int64)

    def in_python(self, *arguments: Any) -> Any:
        """Runs the Python function: the meaning of the native code."""
        numbers = list(arguments)
        for at, parameter in enumerate(self.parameters):
            if parameter.extents is None and parameter.kind not in ("int", "float", "bool"):
                first = self.open.get(parameter.kind)
                kind = np.dtype(parameter.kind) if first is None else arguments[first].dtype
                numbers[at] = kind.type(arguments[at])
        with np.errstate(all="ignore"):  # integers wrap, and floats become infinite
            result = self.function(*numbers)
        return result.item() if isinstance(result, np.generic) else result


def kernel(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Makes a Python function a kernel, which runs as native code where there is a compiler, and as Python elsewhere.

    Args:
      signature: the kind of each parameter, with extents for an array: "rows: float64[count, width], sizes: int64[width], value: T".

    Returns:
      The function. It has two attributes, `python` and `in_python`: the Python function, and one that runs it with numbers of the kinds.

    Raises:
      TypeError: in calls: an argument does not have the kind or the extents of the signature, or an array is not contiguous.
      SyntaxError: in calls: the function uses what kernels don't have.

    Example:
      >>> from penstock._src.native.builtins.kernel import kernel
      >>> @kernel("x: float64[n], total: float64[1]")
      ... def add_up(x, total):
      ...     for i in range(len(x)):
      ...         total[0] += x[i]
    """

    def decorated(function: Any) -> Any:
        described = Kernel(function, signature)
        loaded: dict[tuple[Any, ...], Callable[..., Any]] = {}
        positions = tuple(described.open.values())

        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            dtypes = tuple([arguments[at].dtype for at in positions]) if positions else ()
            try:
                return loaded[dtypes](*arguments)
            except (KeyError, TypeError):
                if dtypes not in loaded:
                    loaded[dtypes] = described.native(dtypes) or described.in_python
                elif loaded[dtypes] == described.in_python:
                    raise
            # Equal dtypes may be different objects, as in arrays that were pickled.
            return loaded[dtypes](*map(_with_common_dtype, arguments))

        call.python, call.in_python, call.kernel = function, described.in_python, described  # type: ignore[attr-defined]
        return call

    return decorated


def _with_common_dtype(x: Any) -> Any:
    """An array with NumPy's own object of its dtype."""
    if isinstance(x, np.ndarray) and x.dtype.isnative:
        return np.asarray(x).view(np.dtype(x.dtype.name))
    return x


def parameters_of(signature: str) -> tuple[Parameter, ...]:
    """The parameters of a signature.

    Raises:
      SyntaxError: the signature is not one.
    """
    (definition,) = ast.parse(f"def _({signature}): pass").body
    assert isinstance(definition, ast.FunctionDef)
    return tuple(_parameter(each.arg, each.annotation) for each in definition.args.args)


def _parameter(name: str, node: ast.expr | None) -> Parameter:
    match node:
        case ast.Name(kind):
            return Parameter(name, kind, None)
        case ast.Subscript(ast.Name(kind), extents):
            each = extents.elts if isinstance(extents, ast.Tuple) else [extents]
            return Parameter(name, kind, tuple(_extent(*pair, name) for pair in enumerate(each)))
    raise SyntaxError(f"kernel: a parameter must have a kind, as in {name}: float64[n].")


def _extent(at: int, node: ast.expr, array: str) -> tuple[str, int]:
    match node:
        case ast.Name(name):
            return f"{array}_{at}" if name == "_" else name, 0
        case ast.Constant(int(number)):
            return "", number
        case ast.BinOp(ast.Name(name), ast.Add(), ast.Constant(int(number))):
            return name, number
    raise SyntaxError(
        f"kernel: an extent must be a name, a number, or a sum of both. Received {ast.unparse(node)!r}."
    )


def write_module(kernel: Kernel, m: Module, _digest: str, checks: int, *dtypes: str) -> None:
    """Writes the function of a kernel, and its entry."""
    kinds = dict(zip(kernel.open, dtypes))
    parameters = [each._replace(kind=kinds.get(each.kind, each.kind)) for each in kernel.parameters]
    extents = dict.fromkeys(name for each in parameters for name, _ in each.extents or () if name)
    types = {
        f"_{each.name}": TYPES[each.kind] if each.extents is None else PTR for each in parameters
    }
    types |= {f"extent_{name}": I64 for name in extents}
    if checks:
        m.raw(f"@{OUTSIDE} = internal global i64 0")
    with m.fn(kernel.name, I64, True, True, **types) as f:
        variables: dict[str, Any] = {}
        for each in parameters:
            value = getattr(f, f"_{each.name}")
            if each.extents is None:
                variables[each.name] = Number(each.kind, value)
                continue
            sizes = [
                Number("int", getattr(f, f"extent_{name}") + more) if name else more
                for name, more in each.extents
            ]
            variables[each.name] = Array(each.kind, value, tuple(sizes), [])
        result = Translator(f, kernel.function, variables, bool(checks)).run()
        returns = result is not None
        if returns and (not is_integer(kind_of(result)) or kind_of(result) == "uint64"):
            raise SyntaxError(
                f"{kernel.name}: a kernel returns nothing, or an integer below 2**63."
            )
        f.give(Numbers(f).value(result, "int") if returns else f.i64(0))
    written = {name for name, value in variables.items() if getattr(value, "stores", ())}
    with m.fn(f"py_{kernel.name}", ret=PTR, me=PTR, argv=PTR, nargs=I64) as f:
        _Entry(f, kernel, parameters, written).write(list(extents), returns, bool(checks))


class _Entry:
    """Writes the entry of a kernel: checks of its arguments, and the call without the GIL."""

    def __init__(
        self, f: Fn, kernel: Kernel, parameters: list[Parameter], written: set[str]
    ) -> None:
        self.f, self.kernel, self.parameters = f, kernel, parameters
        self.written, self.extents = written, dict[str, Val]()

    def write(self, extents: list[str], returns: bool, checks: bool) -> None:
        f, name = self.f, self.kernel.name
        self.require(f.nargs.eq(len(self.parameters)))
        types, values, arrays = py.data_pointer(f, f.me), list[Val](), 0
        for at, parameter in enumerate(self.parameters):
            argument = f.load(f.argv, at, PTR)
            if parameter.extents is None:
                values.append(self.number(argument, parameter.kind))
                continue
            arrays += 1
            self.require(py.type_of(f, argument).eq(f.load(types, 0, I64)))
            self.require(py.dtype_of(f, argument).eq(f.load(types, arrays, I64)))
            self.check(argument, parameter)
            values.append(py.data_pointer(f, argument))
        values += [self.extents[extent] for extent in extents]
        if arrays < len(self.parameters):  # conversions of numbers fail with errors of their own
            self.fail_unless(f.is_null(f.call("PyErr_Occurred", ret=PTR)))
        result = py.without_gil(f, lambda: f.call(name, *values, ret=I64))
        if checks:
            self.report()
        if returns:
            py.give(f, result)
        else:
            f.module.declare("@_Py_NoneStruct = external global ptr")
            none = f.address("_Py_NoneStruct")
            f.call("Py_IncRef", none)
            f.give(none)
        f.start("wrong")
        expected = f"{name}: expected ({self.kernel.signature})"
        py.give_type_error(f, f"{expected}, contiguous arrays that are writable if they change")

    def require(self, condition: Val) -> None:
        right = self.f.fresh("right")
        self.f.branch(condition, right, "wrong")
        self.f.start(right)

    def fail_unless(self, condition: Val, fail: Callable[[], Any] = lambda: None) -> None:
        """Ends the entry with an error of Python's."""
        f, good, bad = self.f, self.f.fresh("good"), self.f.fresh("bad")
        f.branch(condition, good, bad)
        f.start(bad)
        fail()
        f.give(f.const(0, PTR))
        f.start(good)

    def report(self) -> None:
        """Raises an IndexError with the line of an access outside of an array."""
        f = self.f
        f.module.declare("@PyExc_IndexError = external global ptr")
        line = f.load(f.address(OUTSIDE), 0, I64)
        f.store(f.i64(0), f.address(OUTSIDE))

        def fail() -> None:
            number = f.call("PyLong_FromLongLong", line, ret=PTR)
            f.call("PyErr_SetObject", f.load(f.address("PyExc_IndexError"), 0, PTR), number)

        self.fail_unless(line.eq(0), fail)

    def number(self, argument: Val, kind: str) -> Val:
        f = self.f
        if kind == "bool":
            return f.convert(f.call("PyObject_IsTrue", argument, ret=I32), I1)
        if is_float(kind):
            return f.convert(f.call("PyFloat_AsDouble", argument, ret=F64), TYPES[kind])
        return f.convert(py.integer(f, argument), TYPES[kind])

    def check(self, array: Val, parameter: Parameter) -> None:
        """Checks the layout and the extents of an array; a name is the extent where it stands first."""
        f, extents = self.f, parameter.extents or ()
        bits = py.field(f, "ndarray_contiguous") | py.field(f, "ndarray_aligned")
        if parameter.name in self.written:
            bits |= py.field(f, "ndarray_writable")
        self.require((py.flags_of(f, array) & bits).eq(bits))
        self.require(py.rank_of(f, array).eq(len(extents)))
        address = py.extents_of(f, array)
        for at, (name, more) in enumerate(extents):
            size = f.load(address, at, I64)
            if name and name not in self.extents:
                self.extents[name] = size - more
                if more:
                    self.require(self.extents[name] >= 0)
            else:
                self.require(size.eq(self.extents[name] + more if name else more))
