"""A built model in Python: this file needs NumPy alone, and is copied into the wheels that `penstock build --python` makes."""

import ctypes
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ABI = 1
_NAMES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 8: "complex64", 9: "int64", 10: "bool",
    14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
_STATUSES = (
    "ok", "the model's code is at fault", "there are not as many inputs or outputs", "an address is missing",
    "an array or the weights have another size", "an array, the arena or the weights are not aligned",
    "the arena is too small", "the arena is not prepared", "the model was not built for this batch size",
)  # fmt: skip
_P, _I32, _I64, _U64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64


class _Array(ctypes.Structure):
    _fields_ = [("data", _P), ("bytes", _U64)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("shape", ctypes.POINTER(_I64)), ("bytes", _U64), ("type", _I32), ("rank", _I32),
        ("alignment", _I32), ("is_batched", _I32),
    ]  # fmt: skip


_RUN = ctypes.CFUNCTYPE(_I32, ctypes.POINTER(_Array), _I32, ctypes.POINTER(_Array), _I32, _P, _U64)


class _Function(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("inputs", ctypes.POINTER(_Tensor)), ("outputs", ctypes.POINTER(_Tensor)),
        ("run", _RUN), ("batches", ctypes.POINTER(_I64)), ("input_count", _I32), ("output_count", _I32),
        ("batch_count", _I32), ("reserved", _I32),
    ]  # fmt: skip


class _Variable(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("offset", _U64)]


class _Table(ctypes.Structure):
    _fields_ = [
        ("abi", _I32), ("function_count", _I32), ("name", ctypes.c_char_p), ("version", ctypes.c_char_p),
        ("target", ctypes.c_char_p), ("functions", ctypes.POINTER(_Function)), ("variables", ctypes.POINTER(_Variable)),
        ("messages", ctypes.POINTER(ctypes.c_char_p)), ("prepare", ctypes.CFUNCTYPE(_I32, _P, _U64, _P, _U64)),
        ("arena_bytes", _U64), ("arena_alignment", _U64), ("state_bytes", _U64), ("weights_bytes", _U64),
        ("variable_count", _I32), ("message_count", _I32), ("threads", _I32), ("reserved", _I32),
    ]  # fmt: skip


class ModelError(ValueError):
    """A run that was refused, or a check of the model that failed; `status` is the library's."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Function:
    """A signature of a model: call it with arrays by name or in order; it gives a dict of arrays.

    inputs, outputs  name -> (NumPy's name of the type, shape); -1 is the batch
    batches          the batch sizes that it was built for, empty if it has no batch
    """

    def __init__(self, model: "Model", record: _Function) -> None:
        self._model, self._record = model, record
        self.name = record.name.decode()
        self.inputs = dict(_tensor(record.inputs[i]) for i in range(record.input_count))
        self.outputs = dict(_tensor(record.outputs[i]) for i in range(record.output_count))
        self.batches = tuple(record.batches[i] for i in range(record.batch_count))

    def __call__(self, *values: Any, **named: Any) -> dict[str, np.ndarray]:
        """The outputs for these inputs.

        Raises:
          ModelError: an input is missing, or has another type or shape; or a check of the model failed.
        """
        return self.bind(*values, **named)()

    def bind(self, *values: Any, **named: Any) -> "BoundFunction":
        """The function bound to arrays, for many calls: each takes some microseconds less.

        Args, Raises: as of a call.
        """
        arguments = dict(zip(self.inputs, values))
        if len(values) > len(self.inputs) or set(arguments) & set(named):
            raise ModelError(f"{self.name} takes {', '.join(self.inputs)}.")
        arguments |= named
        if set(arguments) != set(self.inputs):
            raise ModelError(
                f"{self.name} takes {', '.join(self.inputs)}. Received {', '.join(arguments)}."
            )
        batch = 1
        arrays = []
        for name, (dtype, shape) in self.inputs.items():
            array = np.ascontiguousarray(arguments[name], _dtype(dtype))
            if array.ndim != len(shape) or any(
                a != b for a, b in zip(array.shape, shape) if b >= 0
            ):
                raise ModelError(
                    f"{self.name}: {name} must have shape {list(shape)}. Received {list(array.shape)}."
                )
            if shape[:1] == (-1,):
                batch = array.shape[0]
            arrays.append(array)
        results = {
            name: np.empty([batch if d < 0 else d for d in shape], _dtype(dtype))
            for name, (dtype, shape) in self.outputs.items()
        }
        return BoundFunction(self._model, self._record, dict(zip(self.inputs, arrays)), results)


class BoundFunction:
    """A function with the arrays that each call reads and writes.

    inputs, outputs  name -> array; what is put into an input is what the next call reads
    """

    def __init__(
        self, model: "Model", record: _Function, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
    ) -> None:  # fmt: skip
        self._model, self._run = model, record.run
        self.inputs, self.outputs = inputs, outputs
        ins, outs = (
            (_Array * max(len(side), 1))(*[_Array(a.ctypes.data, a.nbytes) for a in side.values()])
            for side in (inputs, outputs)
        )
        arena = model._arena
        self._arguments = (
            ins, _I32(len(inputs)), outs, _I32(len(outputs)), _P(arena.ctypes.data), _U64(arena.size),
        )  # fmt: skip

    def __call__(self) -> dict[str, np.ndarray]:
        """The outputs, in the same arrays each time.

        Raises:
          ModelError: a check of the model failed.
        """
        status = self._run(*self._arguments)
        if status:
            self._model._check(status)
        return self.outputs


class Model:
    """A shared library that `penstock build` made, with an arena of its own: one call at a time.

    Args:
      path: the library.
      weights: its file of weights, if it has one; it is mapped, not read.

    Attributes:
      functions: its signatures by name. A model of one is called itself.
    """

    def __init__(self, path: str | Path, weights: str | Path | None = None) -> None:
        self._library = ctypes.CDLL(str(path))
        entry = self._library.penstock_model
        entry.restype = ctypes.POINTER(_Table)
        self._table = entry().contents
        if self._table.abi != ABI:
            raise ModelError(f"{path} has ABI {self._table.abi}; {ABI} is known here.")
        size, alignment = int(self._table.arena_bytes), int(self._table.arena_alignment)
        self._memory = np.zeros(size + alignment, np.uint8)
        at = -self._memory.ctypes.data % alignment
        self._arena = self._memory[at : at + size]
        self._weights = self._mapped(weights) if weights is not None else None
        self.name, self.target = self._table.name.decode(), self._table.target.decode()
        self.version = self._table.version.decode()
        records = [self._table.functions[i] for i in range(self._table.function_count)]
        self.functions: Mapping[str, Function] = {
            function.name: function for function in (Function(self, record) for record in records)
        }
        self.reset()

    def _mapped(self, path: str | Path) -> np.ndarray:
        with open(path, "rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)

    def __del__(self) -> None:
        table = getattr(self, "_table", None)
        if table is not None and table.threads > 1:
            getattr(self._library, f"{self.name}_stop_threads")()

    def reset(self) -> None:
        """Set variables to their initial values."""
        weights, size = (
            (None, 0) if self._weights is None else (self._weights.ctypes.data, self._weights.size)
        )
        self._check(self._table.prepare(self._arena.ctypes.data, self._arena.size, weights, size))

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """The variables that functions assign: views of their values, which may be written to."""
        views = {}
        for i in range(self._table.variable_count):
            record = self._table.variables[i]
            name, (dtype, shape) = _tensor(record.tensor)
            part = self._arena[record.offset : record.offset + record.tensor.bytes]
            key = name if name not in views else f"{name}_{i}"
            views[key] = part.view(_dtype(dtype)).reshape(shape)
        return views

    def __call__(self, *values: Any, **named: Any) -> dict[str, np.ndarray]:
        """Calls the one function of the model."""
        if len(self.functions) != 1:
            raise ModelError(
                f"{self.name} has several functions: call one of {', '.join(self.functions)}."
            )
        return next(iter(self.functions.values()))(*values, **named)

    def _check(self, status: int) -> None:
        if status == 0:
            return
        if status > 0:
            raise ModelError(self._table.messages[status - 1].decode(), status)
        raise ModelError(f"{self._table.name.decode()}: {_STATUSES[-status]}.", status)


def _tensor(record: _Tensor) -> tuple[str, tuple[str, tuple[int, ...]]]:
    shape = tuple(record.shape[i] for i in range(record.rank))
    return record.name.decode(), (_NAMES.get(record.type, "void"), shape)


def _dtype(name: str) -> np.dtype:
    """NumPy's type; bits of a bfloat16, which NumPy lacks."""
    return np.dtype("uint16" if name == "bfloat16" else name)
