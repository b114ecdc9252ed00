"""Ops of lookup tables, static and mutable."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.calls.facts import Effects, Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock._src.core.op import Op, at_least
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY
from penstock._src.core.values import resources
from penstock._src.core.values.groups import NotGrouped, flat, is_group, like
from penstock._src.filesystems.files import read
from penstock._src.ops.array.concat import handle_array
from penstock._src.ops.lookup.table_resources import DenseTable, StaticTable, Table
from penstock._src.ops.rules import show
from penstock._src.util.files.lines import lines_of


def table_of(op, handle):
    """Return the table of a handle."""
    if not isinstance(handle, Table):
        raise op.invalid(f"expected the handle of a table. Received {handle!r}")
    return handle


def ready(op, handle):
    """Return the table of a handle. It must be initialized."""
    table = table_of(op, handle)
    if not table.initialized:
        raise FailedPreconditionError("Table not initialized.")
    return table


def _checked(op, handle, keys, values):
    table = table_of(op, handle)
    if keys.dtype != table.key_dtype.np or values.dtype != table.value_dtype.np:
        raise op.invalid(
            f"Signature mismatch, have: resource, {keys.dtype}, {values.dtype} expected: resource, "
            f"{table.key_dtype.name}, {table.value_dtype.name}"
        )
    return table


class _Make(Op):
    """Creates a table, or finds the one with that name; returns its handle."""

    differentiable = False
    kind = Table

    def eager(self, *inputs):
        def make():
            return self.kind(
                self.key_dtype,
                self.value_dtype,
                self._value_shape(),
                name=name,
                container=container,
                **self._options(*inputs),
            )

        name = getattr(self, "shared_name", "")
        container = getattr(self, "container", "")
        table = resources.shared(self.kind, container, name, make)
        types = self.key_dtype, self.value_dtype
        if (table.key_dtype, table.value_dtype) != types:
            raise self.invalid(
                f"Conflicting key/value dtypes {table.key_dtype.name}->{table.value_dtype.name} with "
                f"{types[0].name}->{types[1].name} for table {name}"
            )
        return table

    def _value_shape(self):
        shape = getattr(self, "value_shape", None)
        return () if shape is None else tuple(shape.as_list())

    def _options(self, *inputs):
        return {}


class HashTableV2(_Make):
    """A table that is filled once."""

    signature = "-> table_handle: resource[]"
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False
    key_dtype: DType
    value_dtype: DType
    kind = StaticTable
    effects = Effects(effect_free=True)


class AnonymousHashTable(_Make):
    """An anonymous static table."""

    signature = "-> table_handle: resource[]"
    key_dtype: DType
    value_dtype: DType
    kind = StaticTable


class MutableHashTableV2(_Make):
    """A mutable table from keys to scalars."""

    signature = "-> table_handle: resource[]"
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False
    key_dtype: DType
    value_dtype: DType
    effects = Effects(effect_free=True)


class AnonymousMutableHashTable(_Make):
    """An anonymous mutable table from keys to scalars."""

    signature = "-> table_handle: resource[]"
    key_dtype: DType
    value_dtype: DType


class MutableHashTableOfTensorsV2(_Make):
    """A mutable table from keys to vectors."""

    signature = "-> table_handle: resource[]"
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False
    key_dtype: DType
    value_dtype: DType
    value_shape: TensorShape = TensorShape([])


class AnonymousMutableHashTableOfTensors(_Make):
    """An anonymous mutable table from keys to vectors."""

    signature = "-> table_handle: resource[]"
    key_dtype: DType
    value_dtype: DType
    value_shape: TensorShape = TensorShape([])


class _MakeDense(_Make):
    """A table with an empty and a deleted key."""

    kind = DenseTable
    key_dtype = ANY
    value_dtype: DType
    value_shape: TensorShape = TensorShape([])
    initial_num_buckets: int = 131072
    max_load_factor: float = 0.800000011920929

    def _options(self, empty_key, deleted_key):
        if empty_key.shape != deleted_key.shape:
            raise self.invalid("Empty and deleted keys must have same shape")
        if np.array_equal(empty_key, deleted_key):
            raise self.invalid("Empty and deleted keys cannot be equal")
        count = self.initial_num_buckets
        if count < 4 or count & (count - 1):
            raise self.invalid(
                f"Number of buckets must be at least 4 and a power of 2, got: {count}"
            )
        return {
            "empty_key": empty_key,
            "deleted_key": deleted_key,
            "buckets": count,
            "load_factor": self.max_load_factor,
        }


class MutableDenseHashTableV2(_MakeDense):
    """A mutable table with open addressing."""

    signature = "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource[]"
    ranks = {"empty_key": (0, 1)}
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False


class AnonymousMutableDenseHashTable(_MakeDense):
    """An anonymous mutable table with open addressing."""

    signature = "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource[]"
    ranks = {"empty_key": (0, 1)}


class LookupTableFindV2(Op):
    """The values at keys; the default where there is none."""

    signature = "table_handle: resource, keys: Tin, default_value: Tout -> values: Tout"
    Tin = ANY
    Tout = ANY
    differentiable = False
    effects = Effects(reads_only=True)

    def shape(self, table_handle, keys, default_value):
        # A default of more dimensions is a value of the table or one for each key.
        return keys if default_value.rank == 0 else None

    def eager(self, table_handle, keys, default_value):
        default = handle_array(default_value)
        table = _checked(self, table_handle, keys, default)
        rows = keys.shape + table.value_shape
        if default.shape not in (table.value_shape, rows):
            raise self.invalid(
                f"Expected shape {show(table.value_shape)} or {show(rows)} for default value, got {show(default.shape)}"
            )
        values = ready(self, table).find(keys, default)
        # A scalar variant is its handle.
        return values[()] if self.Tout is dtypes.variant and not values.ndim else values

    def eager_each(self, table_handle, keys, default_value):
        if not is_group(keys) or is_group(default_value) or default_value.ndim:
            raise NotGrouped
        return like(keys, self.eager(table_handle, flat(keys), default_value))


class LookupTableInsertV2(Op):
    """Adds keys with values."""

    signature = "table_handle: resource, keys: Tin, values: Tout ->"
    Tin = ANY
    Tout = ANY
    differentiable = False

    def eager(self, table_handle, keys, values):
        values = handle_array(values)
        table = _checked(self, table_handle, keys, values)
        if not table.mutable:
            raise UnimplementedError(
                "Insert not supported by InitializableLookupTable implementations"
            )
        if values.shape != keys.shape + table.value_shape:
            raise self.invalid(
                f"Expected shape {show(keys.shape + table.value_shape)} for value, got "
                f"{show(values.shape)}"
            )
        table.insert(keys, values)


class LookupTableRemoveV2(Op):
    """Forgets keys."""

    signature = "table_handle: resource, keys: Tin ->"
    ranks = {"keys": at_least(1)}
    Tin = ANY

    def eager(self, table_handle, keys):
        table = table_of(self, table_handle)
        if not table.mutable:
            raise UnimplementedError(
                "Remove not supported by InitializableLookupTable implementations"
            )
        table.remove(keys)


class LookupTableSizeV2(Op):
    """The number of keys."""

    signature = "table_handle: resource -> size: int64[]"
    differentiable = False
    effects = Effects(reads_only=True)

    def eager(self, table_handle):
        return np.int64(len(table_of(self, table_handle).held))


class LookupTableExportV2(Op):
    """All keys and values."""

    signature = "table_handle: resource -> keys: Tkeys[...], values: Tvalues[...]"
    Tkeys: DType
    Tvalues: DType
    effects = Effects(reads_only=True)

    def eager(self, table_handle):
        table = ready(self, table_handle)
        for wanted, actual in ((self.Tkeys, table.key_dtype), (self.Tvalues, table.value_dtype)):
            if wanted != actual:
                raise self.invalid(f"Type mismatch: actual {actual.name} vs. expect {wanted.name}")
        return table.export()


class LookupTableImportV2(Op):
    """Replaces the contents by keys and values."""

    signature = "table_handle: resource, keys: Tin, values: Tout ->"
    Tin = ANY
    Tout = ANY

    def eager(self, table_handle, keys, values):
        table = _checked(self, table_handle, keys, values)
        if isinstance(table, StaticTable):
            table.initialize(keys, values)
            return
        table.load(keys, values)


class InitializeTableV2(Op):
    """Fills a table with keys and values."""

    signature = "table_handle: resource, keys: Tkey, values: Tval ->"
    extents = {"keys": "n", "values": "n"}
    Tkey = ANY
    Tval = ANY
    differentiable = False

    def eager(self, table_handle, keys, values):
        table = table_of(self, table_handle)
        if keys.size != values.size:
            raise self.invalid(
                f"keys and values must have the same size: {keys.size} vs {values.size}"
            )
        if isinstance(table, StaticTable):
            table.initialize(keys, values)
        else:
            table.insert(keys, values)


class InitializeTableFromTextFileV2(Op):
    """Fills a table from the lines of a file."""

    signature = "table_handle: resource, filename: string ->"
    ranks = {"filename": (0,)}
    permissions = Permissions(capabilities="read_files", file_arguments="filename")
    minimum = {"key_index": -2, "value_index": -2, "vocab_size": -1}
    key_index: int
    value_index: int
    vocab_size: int = -1
    delimiter: str = "\t"
    offset: int = 0
    differentiable = False

    def eager(self, table_handle, filename):
        table, path = table_of(self, table_handle), filename.item().decode()
        lines = lines_of(read(path))
        try:
            self._fill(table, path, lines)
        except (InvalidArgumentError, FailedPreconditionError) as error:
            if path in error.message:
                raise
            raise type(error)(f"{path}: {error.message}") from error

    def _fill(self, table, path, lines):
        if self.vocab_size >= 0:
            if len(lines) < self.vocab_size:
                raise self.invalid(
                    f"Invalid vocab_size in {path}: expected {self.vocab_size} but got {len(lines)}"
                )
            lines = lines[: self.vocab_size]
        if b"" in lines:
            raise self.invalid(f"Invalid content in {path}: line {lines.index(b'')} is empty")
        keys = [self._field(table.key_dtype, self.key_index, i, s) for i, s in enumerate(lines)]
        values = [
            self._field(table.value_dtype, self.value_index, i, s) for i, s in enumerate(lines)
        ]
        table.initialize(column(keys, table.key_dtype), column(values, table.value_dtype))

    def _field(self, dtype, index, number, line):
        if index == -1:
            return number + self.offset
        if index == -2:
            field = line
        else:
            fields = line.split(as_bytes(self.delimiter))
            if index >= len(fields):
                raise self.invalid(
                    f"Invalid number of columns in line {number}: {len(fields)} <= {index}"
                )
            field = fields[index]
        if dtype is dtypes.string:
            return field
        try:
            return number_of(field, dtype)
        except ValueError:
            shown = field.decode("utf-8", "replace")
            raise self.invalid(
                f"Field {shown} in line {number} is not a valid {dtype.name}."
            ) from None


def number_of(text, dtype):
    """The number that bytes say in decimal; ValueError if they say none, or none of the type."""
    if b"_" in text:  # which Python takes
        raise ValueError
    if dtype.is_floating:
        return float(text)
    number = int(text)
    if dtype.is_integer and not dtype.min <= number <= dtype.max:
        raise ValueError
    return number


def column(values, dtype):
    """A host vector of these values."""
    out = np.empty(len(values), dtype.np)
    for at, value in enumerate(values):
        out[at] = value[()] if isinstance(value, np.ndarray) else value
    return out
