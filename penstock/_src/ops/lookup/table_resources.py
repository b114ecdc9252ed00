"""The resources of lookup tables: maps from keys to values that handles hold."""

import functools
import itertools
import threading

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
)
from penstock._src.core.values.resources import Resource
from penstock._src.native.algorithms.grouping.number_index import NumberIndex
from penstock._src.native.readers.string_index import StringIndex
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.lookup.buckets import Buckets
from penstock._src.ops.rules import show
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
