"""Lookup tables, static and mutable."""

import functools
import itertools
import threading

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
from penstock._src.core.values.resources import Resource
from penstock._src.filesystems.files import read
from penstock._src.native.algorithms.grouping.number_index import NumberIndex
from penstock._src.native.readers.string_index import StringIndex
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.array.concat import handle_array
from penstock._src.ops.lookup.buckets import Buckets
from penstock._src.ops.rules import show
from penstock._src.util.files.lines import lines_of
from penstock._src.util.process import forks

_MANY = 16  # keys for which it pays to have numbers for all
_PER_KEY = 4  # keys of a table that changed that are numbered for each that is to be found


class Table(Resource):
    """A map from keys to values of one type and shape, held by a handle."""

    initialized = True
    mutable = True

    def __init__(self, key_dtype, value_dtype, value_shape=(), name="", container=""):
        super().__init__(name, container)
        self.key_dtype, self.value_dtype = key_dtype, value_dtype
        self.value_shape = tuple(value_shape)
        self.held = {}
        self.lock = forks.freed_in_child(threading.RLock())
        self._changes = 0  # how often `held` was changed
        # The number of changes before, what finds the numbers of keys, and the values in their order.
        self._numbered = None

    def find(self, keys, default):
        """The values at keys, the default where there is none."""
        self.require_keys(keys)
        if self.held and self._pays_to_number(keys.size):
            find, values = self._numbers()
            if len(values):  # another thread may have emptied the table
                numbers = find(keys.reshape(-1))
                if not default.ndim and len(values) <= keys.size:
                    return np.append(values, default)[numbers].reshape(keys.shape)  # -1 is the last
                found, absent = values[numbers], numbers < 0
                many = default.ndim > len(self.value_shape)
                found[absent] = default.reshape(found.shape)[absent] if many else default
                return found.reshape(*keys.shape, *self.value_shape)
        return self._find_each(keys, default)

    def _pays_to_number(self, count):
        """True if as many keys are found sooner by their numbers, which may have to be assigned first."""
        if count < _MANY:
            return False
        is_numbered = self._numbered is not None and self._numbered[0] == self._changes
        return is_numbered or count * _PER_KEY >= len(self.held)

    def _numbers(self):
        """A function from keys to their numbers, -1 for those that are not held, and the values in this order."""
        with self.lock:
            numbered = self._numbered
            if numbered is None or numbered[0] != self._changes:
                keys, values = Table.export(self)
                if keys.dtype == object and runs_native_code():
                    find = StringIndex(keys).find
                elif keys.dtype.kind in "iu" and runs_native_code():
                    find = NumberIndex(keys).find
                else:
                    find = functools.partial(_found, dict(zip(keys.tolist(), range(len(keys)))))
                numbered = self._numbered = self._changes, find, values
        return numbered[1:]

    def _find_each(self, keys, default):
        """`find`, one key after the other."""
        out = np.empty((*keys.shape, *self.value_shape), self.value_dtype.np)
        flat = out.reshape(keys.size, *self.value_shape)
        many = default.ndim > len(self.value_shape)
        flat[...] = default.reshape(keys.size, *self.value_shape) if many else default
        for at, value in enumerate(map(self.held.get, keys.reshape(-1).tolist())):
            if value is not None:
                flat[at] = (
                    value if self.value_shape or not isinstance(value, np.ndarray) else value[()]
                )
        return out

    def insert(self, keys, values):
        """Adds keys, or gives them new values."""
        self.require_keys(keys)
        rows = values.reshape(keys.size, *self.value_shape)
        with self.lock:
            self.held.update(zip(keys.reshape(-1).tolist(), rows, strict=True))
            self._changes += 1

    def remove(self, keys):
        """Removes keys."""
        self.require_keys(keys)
        with self.lock:
            for key in keys.reshape(-1).tolist():
                self.held.pop(key, None)
            self._changes += 1

    def export(self):
        """All keys and all values."""
        keys = np.empty(len(self.held), self.key_dtype.np)
        values = np.empty((len(self.held), *self.value_shape), self.value_dtype.np)
        for at, (key, value) in enumerate(list(self.held.items())):
            keys[at], values[at] = key, value
        return keys, values

    def load(self, keys, values):
        """Replaces the contents by keys and values."""
        with self.lock:
            self.held = {}
            self.insert(keys, values)

    def require_keys(self, keys):
        """Raises an error if a key is not allowed in this kind of table."""


class StaticTable(Table):
    """A table that is filled once."""

    mutable = False

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.initialized = False

    def _pays_to_number(self, count):
        return count >= _MANY

    def initialize(self, keys, values):
        """Fills the table; filling it again with the same values is allowed."""
        if values.shape != keys.shape:
            raise InvalidArgumentError(
                f"Expected shape {show(keys.shape)} for value, got {show(values.shape)}"
            )
        filled = {}
        for key, value in zip(keys.reshape(-1).tolist(), values.reshape(-1), strict=True):
            if key in filled and filled[key] != value:
                raise FailedPreconditionError(
                    f"HashTable has different value for same key. Key {_shown(key)} has "
                    f"{_shown(filled[key])} and trying to add value {_shown(value)}"
                )
            filled[key] = value
        with self.lock:
            if self.initialized and filled != self.held:
                raise FailedPreconditionError("Table was already initialized with different data.")
            self.held, self.initialized = filled, True
            self._changes += 1


class DenseTable(Table):
    """A table with two reserved keys. It is exported with its buckets: a row for each, including empty ones."""

    def __init__(
        self, *args, empty_key=None, deleted_key=None, buckets=4, load_factor=0.8, **options
    ):
        super().__init__(*args, **options)
        self.empty_key, self.deleted_key = empty_key.tolist(), deleted_key.tolist()
        self.buckets, self.load_factor = buckets, load_factor
        # None until a key is removed: before that, the keys' order determines their buckets.
        self._layout = None

    def insert(self, keys, values):
        """Adds keys, or gives them new values."""
        with self.lock:
            pending, count = len(self.held) + keys.size, self.buckets
            while pending > count * self.load_factor:
                count *= 2
            if self._layout is not None:
                if count != self.buckets:
                    self._layout = self._layout.grown(count)
                self.require_keys(keys)
                for key in keys.reshape(-1).tolist():
                    self._layout.add(key)
            super().insert(keys, values)
            self.buckets = count

    def remove(self, keys):
        """Removes keys; their buckets keep the values under the deleted key."""
        self.require_keys(keys)
        with self.lock:
            for key in keys.reshape(-1).tolist():
                if key in self.held:
                    layout = self._laid_out()
                    layout.remove(key, self.held.pop(key))
            self._changes += 1

    def _laid_out(self):
        """The buckets of the keys; they are first needed when a key is removed, or for an export."""
        if self._layout is None:
            self._layout = Buckets(self.held, self.buckets)
        return self._layout

    def export(self):
        """The keys and values of all buckets."""
        with self.lock:
            keys, values = super().export()
            layout = self._layout or Buckets(self.held, self.buckets)
            at = [layout.of_key[key] for key in keys.tolist()]
            removed = dict(layout.removed)
        all_keys = np.full((self.buckets, 1), self.empty_key, keys.dtype)
        blank = b"" if self.value_dtype is dtypes.string else 0
        all_values = np.full((self.buckets, *values.shape[1:]), blank, values.dtype)
        all_keys[at, 0], all_values[at] = keys, values
        for place, value in removed.items():
            all_keys[place, 0], all_values[place] = self.deleted_key, value
        return all_keys, all_values.reshape(self.buckets, -1)

    def load(self, keys, values):
        """Replaces the contents by those of buckets; other tables export no empty ones."""
        rows = keys.reshape(-1).tolist()
        used = [n for n, key in enumerate(rows) if key not in (self.empty_key, self.deleted_key)]
        values = values.reshape(len(rows), *self.value_shape)
        self.held, self._layout = {}, None
        if len(rows) >= 4 and not len(rows) & (len(rows) - 1):
            self.buckets = len(rows)
        self.insert(keys.reshape(-1)[used], values[used])

    def require_keys(self, keys):
        """Raises InvalidArgumentError if a reserved key is used."""
        for name, key in (("empty_key", self.empty_key), ("deleted_key", self.deleted_key)):
            if (keys == key).any():
                raise InvalidArgumentError(f"Using the {name} as a table key is not allowed")


def _found(numbers, keys):
    """The number of each key, or -1."""
    return np.fromiter(map(numbers.get, keys.tolist(), itertools.repeat(-1)), np.int64, len(keys))


def _shown(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


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
