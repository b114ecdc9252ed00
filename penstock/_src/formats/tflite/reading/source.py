"""The bytes of a model: of a file, or as given."""

import os
from typing import Any

from penstock._src.core.errors import NotFoundError, OpError
from penstock._src.filesystems import files


def data_of(path: Any, content: Any) -> tuple[Any, str]:
    """Returns a model's bytes, and its name in messages.

    Args:
      path: of the file.
      content: or its bytes.

    Raises:
      ValueError: both or neither are given, or the file cannot be read.
    """
    if content and path:
        raise ValueError("Can't both provide `model_path` and `model_content`")
    if content:
        return content, "model_content"
    if not path:
        raise ValueError("`model_path` or `model_content` must be specified.")
    name = os.fsdecode(path)
    try:
        return files.read(name), name
    except NotFoundError:
        raise ValueError(f"Could not open '{name}'.") from None
    except OpError as error:
        raise ValueError(f"Could not open '{name}': {error}") from error
