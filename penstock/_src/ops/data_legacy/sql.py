"""SqlDataset: the rows of a query, with the conversions of SQLite's column accessors."""

import contextlib
import sqlite3
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnknownError
from penstock._src.ops.data.iteration.resume import Counted, Element
from penstock._src.ops.data.pipeline import UNKNOWN, Pipeline, Run, UnnamedDatasetOp, text
from penstock._src.ops.data.readers import files
from penstock._src.ops.variants import variant

_QUERIES = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_PRAGMAS = ("table_info", "table_xinfo", "table_list", "index_list", "index_info", "user_version")
_TYPES = frozenset(
    {
        dtypes.string,
        dtypes.int8,
        dtypes.int16,
        dtypes.int32,
        dtypes.int64,
        dtypes.uint8,
        dtypes.uint16,
        dtypes.bool_,
        dtypes.float64,
    }
)


class _Sql(Pipeline):
    def __init__(self, path: str, query: str, types: list[DType]) -> None:
        self.path, self.query, self.types = path, query, types

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return Counted(self.rows_of_query())

    def rows_of_query(self) -> Iterator[Element]:
        """Yields the rows of the query's first statement."""
        try:
            yield from self._rows()
        except sqlite3.Error as error:
            raise InvalidArgumentError(f"SqlDataset: {error}") from error

    def _rows(self) -> Iterator[Element]:
        uri = f"file:{urllib.parse.quote(self.path)}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.set_authorizer(_only_reads)
            # SQLite converts the bytes of text itself, so text that is not UTF-8 stays as it is.
            connection.text_factory = bytes
            columns = [_converter(connection, dtype) for dtype in self.types]
            cursor = self._executed(connection)
            self._check_width(0 if cursor.description is None else len(cursor.description))
            for row in cursor:
                yield tuple(convert(value) for convert, value in zip(columns, row, strict=True))

    def _executed(self, connection: sqlite3.Connection) -> sqlite3.Cursor:
        try:
            return connection.execute(_first_statement(self.query))
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 1)
            if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH):
                # TensorFlow compares the columns before the statement runs: one that writes has none.
                self._check_width(0)
            raise UnknownError(f"Prepare() failed: [{code}] {error}: {self.query}") from error

    def _check_width(self, width: int) -> None:
        if width != len(self.types):
            raise InvalidArgumentError(
                f"The number of columns in query ({width}) must match the number of elements in "
                f"output_types ({len(self.types)})."
            )


def _only_reads(action: int, first: str | None, *_: Any) -> int:
    """Denies all actions but those of queries: a database that is open to be read can still attach others, and copy itself into a new file."""
    if action == sqlite3.SQLITE_PRAGMA:
        return sqlite3.SQLITE_OK if first in _PRAGMAS else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _QUERIES else sqlite3.SQLITE_DENY


def _first_statement(query: str) -> str:
    """The first of the statements in `query`; SQLite prepares no others."""
    end = query.find(";")
    while end >= 0:
        if sqlite3.complete_statement(query[: end + 1]):
            return query[: end + 1]
        end = query.find(";", end + 1)
    return query


def _converter(connection: sqlite3.Connection, dtype: DType) -> Callable[[Any], np.ndarray]:
    """Returns the function from a column's value to a scalar of `dtype`."""

    def cast(value: Any, kind: str) -> Any:
        (converted,) = connection.execute(f"SELECT CAST(? AS {kind})", (value,)).fetchone()
        return converted

    def string(value: Any) -> np.ndarray:
        if value is None:
            return files.string_scalar(b"")
        return files.string_scalar(value if isinstance(value, bytes) else cast(value, "TEXT"))

    def real(value: Any) -> np.ndarray:
        number = value if isinstance(value, float) else cast(value, "REAL")
        return np.array(number or 0.0, np.float64)

    def integer(value: Any) -> np.ndarray:
        number = value if isinstance(value, int) else cast(value, "INTEGER")
        whole = np.array(number or 0, np.int64)
        # Smaller types keep the low bits, as a C++ conversion does.
        return whole if dtype == dtypes.int64 else whole.astype(np.int32).astype(dtype.np)

    if dtype == dtypes.string:
        return string
    return real if dtype == dtypes.float64 else integer


class SqlDataset(UnnamedDatasetOp):
    """The rows that a query of an SQLite database gives."""

    signature = "driver_name: string, data_source_name: string, query: string -> handle: variant"
    permissions = Permissions(capabilities="read_files")
    stateful = True

    def pipeline(self, driver_name, data_source_name, query):
        if not _TYPES.issuperset(self.output_types):
            raise InvalidArgumentError(
                "Each element of `output_types_` must be one of: DT_STRING, DT_INT8, DT_INT16, "
                "DT_INT32, DT_INT64, DT_UINT8, DT_UINT16, DT_BOOL, DT_DOUBLE "
            )
        if text(driver_name) != "sqlite":
            raise InvalidArgumentError(
                f"tensorflow: SqlDataset: the driver must be 'sqlite'. Received '{text(driver_name)}'"
            )
        return _Sql(text(data_source_name), text(query), self.output_types)


variant("ExperimentalSqlDataset", SqlDataset)
