"""Comma-separated records that are strings."""

import itertools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.ops.csv import columns
from penstock._src.ops.csv.values import value_of

_FEWEST = 4  # records for which arrays for native code pay
_NOT_ESCAPED = "Quote inside a string has to be escaped by another quote"
_NOT_CLOSED = "Quoted field has to end with quote followed by delim or end"


class DecodeCSV(Op):
    """The fields of comma-separated records, one tensor for each column."""

    signature = "records: string, record_defaults: *OUT_TYPE -> output: *OUT_TYPE"
    OUT_TYPE = INDEX | {dtypes.float32, dtypes.float64, dtypes.string}
    vectorize = "rows, shared"
    field_delim: str = ","
    use_quote_delim: bool = True
    na_value: str = ""
    select_cols: list[int] = []

    def shape(self, records, record_defaults):
        for default in record_defaults:
            default.with_rank_at_most(1)
        return [records] * len(record_defaults)

    def eager(self, records, record_defaults):
        self._check(record_defaults)
        rows = records.reshape(-1).tolist()
        is_worth = len(rows) >= _FEWEST and columns.is_available()
        parsed = self._columns(rows, record_defaults) if is_worth else None
        if parsed is None:
            parsed = self._rows(rows, record_defaults)
        return [column.reshape(records.shape) for column in parsed]

    def _check(self, record_defaults):
        if len(as_bytes(self.field_delim)) != 1:
            raise self.invalid("field_delim should be only 1 char")
        for at, default in enumerate(record_defaults):
            if default.ndim > 1:
                raise self.invalid("Each record default should be at most rank 1")
            if default.size > 1:
                raise self.invalid(
                    f"There should only be 1 default per field but field {at} has {default.size}"
                )

    def _columns(self, rows, defaults):
        """The columns read by native code, or None if a record is malformed."""
        missing = as_bytes(self.na_value)
        form = columns.Columns(
            defaults, as_bytes(self.field_delim), self.use_quote_delim, missing, self.select_cols
        )
        data = b"".join(rows)
        table = form.records(data, np.array([0, *itertools.accumulate(map(len, rows))], np.int64))

        def read_field(row, column, field):
            return value_of(field, column, defaults[column], missing, f"record {row}")

        try:
            return None if table is None else form.values(data, table, read_field)
        except InvalidArgumentError:
            return None  # the error of an earlier record may come first

    def _rows(self, rows, defaults):
        delimiter, missing = as_bytes(self.field_delim), as_bytes(self.na_value)
        arrays = [np.empty(len(rows), default.dtype) for default in defaults]
        for number, record in enumerate(rows):
            fields = self._fields(record, delimiter) if record else []
            if self.select_cols:
                fields = [fields[at] for at in self.select_cols if at < len(fields)]
            if len(fields) != len(defaults):
                raise self.invalid(
                    f"Expect {len(defaults)} fields but have {len(fields)} in record {number}"
                )
            for at, (field, default) in enumerate(zip(fields, defaults, strict=True)):
                arrays[at][number] = value_of(field, at, default, missing, f"record {number}")
        return arrays

    def _fields(self, record, delimiter):
        fields, at = [], 0
        size = len(record)
        while True:
            if self.use_quote_delim and record[at : at + 1] == b'"':
                field, at = self._quoted(record, at + 1, delimiter)
            else:
                end = record.find(delimiter, at)
                end = size if end < 0 else end
                field, at = record[at:end], end
                if b"\n" in field or b"\r" in field or (self.use_quote_delim and b'"' in field):
                    raise self.invalid("Unquoted fields cannot have quotes/CRLFs inside")
            fields.append(field)
            if at >= size:
                return fields
            at += 1

    def _quoted(self, record, at, delimiter):
        field = bytearray()
        while True:
            end = record.find(b'"', at)
            if end < 0:
                raise self.invalid(_NOT_CLOSED)
            field += record[at:end]
            if record[end + 1 : end + 2] == b'"':
                field += b'"'
                at = end + 2
                continue
            if end + 1 < len(record) and record[end + 1 : end + 2] != delimiter:
                raise self.invalid(_NOT_ESCAPED)
            return bytes(field), end + 1
