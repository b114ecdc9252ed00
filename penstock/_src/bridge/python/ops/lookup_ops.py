"""`tensorflow.python.ops.lookup_ops`: tables under their older names, and vocabularies of files."""

from typing import Any

from penstock._src.api.lookup.tables import StaticHashTable, TextFileIndex, TextFileInitializer
from penstock._src.core import dtypes

__all__ = ["HashTable", "TextFileIdTableInitializer", "TextFileStringTableInitializer"]


class HashTable(StaticHashTable):
    """A static table whose initializer is `init` as well."""

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer


class TextFileStringTableInitializer(TextFileInitializer):
    """Maps numbers to the lines of a file: by default line numbers to lines."""

    def __init__(
        self,
        filename: Any,
        key_column_index: int = TextFileIndex.LINE_NUMBER,
        value_column_index: int = TextFileIndex.WHOLE_LINE,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str = "text_file_string_table_init",
    ) -> None:
        super().__init__(
            filename, dtypes.int64, key_column_index, dtypes.string, value_column_index,
            vocab_size, delimiter, name,
        )  # fmt: skip


class TextFileIdTableInitializer(TextFileInitializer):
    """Maps the lines of a file to numbers: by default lines to line numbers."""

    def __init__(
        self,
        filename: Any,
        key_column_index: int = TextFileIndex.WHOLE_LINE,
        value_column_index: int = TextFileIndex.LINE_NUMBER,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str = "text_file_id_table_init",
        key_dtype: Any = dtypes.string,
    ) -> None:
        super().__init__(
            filename, key_dtype, key_column_index, dtypes.int64, value_column_index,
            vocab_size, delimiter, name,
        )  # fmt: skip
