"""The state of a model between runs: variable tensors, resource variables, tables of keys and values."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.lookup.tables import KeyValueTensorInitializer, StaticHashTable
from penstock._src.api.variables import Variable
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.context import init_scope
from penstock._src.formats.tflite.reading.contents import Graph, TensorInfo
from penstock._src.function.function import function


class Handle:
    """A tensor of type RESOURCE: the name of a variable, or a table."""

    def __init__(self, key: str) -> None:
        self.key = key


class State(AutoTrackable):
    """The variables and tables of a model; graphs of one model share it.

    Attributes:
      tensors: tensors that are variables, by graph and index.
      variables: the variables of `VAR_HANDLE`, by container and name.
      tables: the tables of `HASHTABLE`, by number.
      handles: those of the tables that TensorFlow's own ops make, by name.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Variable] = {}
        self.variables: dict[str, Variable] = {}
        self.tables: dict[str, StaticHashTable] = {}
        self.handles: dict[str, Any] = {}
        self._table_types: dict[str, tuple[DType, DType]] = {}
        self._initialized: set[int] = set()
        self._zeros: dict[str, int] = {}

    def variable_tensor(self, graph: Graph, info: TensorInfo) -> Variable:
        """Returns the variable for a tensor of a graph; it begins with its zero point."""
        key = f"{graph.index}_{info.index}"
        if key not in self.tensors:
            with init_scope():
                self._zeros[key] = _zero_of(info)
                value = np.full(info.shape, self._zeros[key], info.dtype.as_numpy_dtype)
                self.tensors[key] = Variable(value, trainable=False)
        return self.tensors[key]

    def variable(self, handle: Handle, info: TensorInfo) -> Variable:
        """Returns a variable, whose values may have any shape.

        Args:
          handle: which.
          info: a tensor that was read from it or is assigned to it.
        """
        if handle.key not in self.variables:
            with init_scope():
                empty = b"" if info.dtype == dtypes.string else 0
                zeros = np.full(info.shape, empty, info.dtype.as_numpy_dtype)
                self.variables[handle.key] = Variable(
                    zeros, trainable=False, dtype=info.dtype, shape=TensorShape(None)
                )
        return self.variables[handle.key]

    def tensorflow_handle(self, kind: str, attrs: Any) -> Handle:
        """Returns the variable or table of an op of TensorFlow's.

        Args:
          kind: VarHandleOp or HashTableV2.
          attrs: of its NodeDef.
        """
        name = f"{kind}:{attrs['container'].s.decode()}:{attrs['shared_name'].s.decode()}"
        with init_scope():
            if kind == "VarHandleOp" and name not in self.variables:
                dtype = dtypes.as_dtype(attrs["dtype"].type)
                empty = np.full([], b"" if dtype == dtypes.string else 0, dtype.as_numpy_dtype)
                self.variables[name] = Variable(
                    empty, trainable=False, dtype=dtype, shape=TensorShape(None)
                )
            elif kind == "HashTableV2" and name not in self.handles:
                types = [dtypes.as_dtype(attrs[key].type) for key in ("key_dtype", "value_dtype")]
                self.handles[name] = raw.AnonymousHashTable(
                    key_dtype=types[0], value_dtype=types[1]
                )
        return Handle(name)

    def resource(self, handle: Handle) -> Any:
        """Returns the tensor by which TensorFlow's own ops know a variable or table.

        Raises:
          InvalidArgumentError: they do not know it.
        """
        if handle.key in self.variables:
            return self.variables[handle.key].handle
        if handle.key not in self.handles:
            raise InvalidArgumentError(f"TensorFlow's ops have no variable or table {handle.key}.")
        return self.handles[handle.key]

    def table_handle(self, number: int, key: DType, value: DType) -> Handle:
        """Returns the object for a table."""
        self._table_types[str(number)] = (key, value)
        return Handle(str(number))

    def fill_table(self, handle: Handle, keys: np.ndarray, values: np.ndarray, where: str) -> None:
        """Gives a table its contents, once."""
        if handle.key in self.tables:
            return
        if handle.key not in self._table_types:
            raise InvalidArgumentError(f"{where}: its first input is not a table.")
        key, value = self._table_types[handle.key]
        with init_scope():
            initializer = KeyValueTensorInitializer(keys, values, key, value)
            default = b"" if value == dtypes.string else 0
            self.tables[handle.key] = StaticHashTable(initializer, default)

    def table(self, handle: Handle, where: str) -> StaticHashTable:
        """Returns a table that has its contents."""
        if handle.key not in self.tables:
            raise FailedPreconditionError(f"{where}: the table is used before it has contents.")
        return self.tables[handle.key]

    def initialize(self, graph: int, run: Callable[[], Any]) -> None:
        """Runs a graph that initializes, the first time."""
        if graph not in self._initialized:
            self._initialized.add(graph)
            with init_scope():
                function(run, autograph=False)()

    def reset(self) -> None:
        """Sets variable tensors to their zero points."""
        for key, variable in self.tensors.items():
            kind = variable.dtype.as_numpy_dtype
            variable.assign(np.full(variable.shape, self._zeros[key], kind))


def _zero_of(info: TensorInfo) -> int:
    """The initial value of a variable tensor in TFLite: the zero point for int8, else 0."""
    if info.quantization is None or info.dtype != dtypes.int8:
        return 0
    return info.quantization.zero_point
