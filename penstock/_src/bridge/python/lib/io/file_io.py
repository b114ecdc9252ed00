"""`tensorflow.python.lib.io.file_io`: whole files at once."""

import zlib
from typing import Any

from penstock._src.api.io import gfile
from penstock._src.util.files.whole import temporary_path

FileIO = gfile.GFile


def read_file_to_string(filename: Any, binary_mode: bool = False) -> Any:
    """Returns the contents of a file as text, or as bytes."""
    with gfile.GFile(filename, "rb" if binary_mode else "r") as file:
        return file.read()


def write_string_to_file(filename: Any, file_content: Any) -> None:
    """Writes text or bytes to a file."""
    with gfile.GFile(filename, "wb" if isinstance(file_content, bytes) else "w") as file:
        file.write(file_content)


def atomic_write_string_to_file(filename: Any, contents: Any, overwrite: bool = True) -> None:
    """Writes a file under another name, then renames it.

    Raises:
      tf.errors.AlreadyExistsError: there is one, and `overwrite` is False.
    """
    temporary = temporary_path(filename)
    try:
        with gfile.GFile(temporary, "wb" if isinstance(contents, bytes) else "w") as file:
            file.write(contents)
            file._sync()
        gfile.rename(temporary, filename, overwrite)
    except Exception:
        gfile.remove(temporary)
        raise


def filecmp(filename_a: Any, filename_b: Any) -> bool:
    """True if two files have the same contents."""
    return read_file_to_string(filename_a, True) == read_file_to_string(filename_b, True)


def has_atomic_move(path: Any) -> bool:
    """True: files are renamed in one step."""
    del path
    return True


def file_crc32(filename: Any, block_size: int = 1 << 24) -> str:
    """Returns the CRC-32 checksum of a file in hexadecimal, read in blocks."""
    checksum = 0
    with gfile.GFile(filename, "rb") as file:
        while block := file.read(block_size):
            checksum = zlib.crc32(block, checksum)
    return hex(checksum)
