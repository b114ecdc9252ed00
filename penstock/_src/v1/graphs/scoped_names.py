"""Names of operations with a scope taken off or put before them."""

from __future__ import annotations

import re
from typing import Any


def strip_name_scope(name: Any, export_scope: str | None) -> Any:
    """Returns the name of an operation, colocation or control input without the scope `export_scope`."""
    if not export_scope or not isinstance(name, str | bytes):
        return name
    text = name.decode() if isinstance(name, bytes) else name
    scope = re.escape(export_scope.removesuffix("/"))
    return re.sub(rf"([\^]|loc:@|^){scope}[\/]+(.*)", r"\1\2", text, count=1)


def prepend_name_scope(name: Any, import_scope: str | None) -> Any:
    """Returns the name of an operation, colocation or control input within the scope `import_scope`."""
    if not import_scope or not isinstance(name, str | bytes):
        return name
    text = name.decode() if isinstance(name, bytes) else name
    mark = next((m for m in ("^", "loc:@") if text.startswith(m)), "")
    return f"{mark}{import_scope.removesuffix('/')}/{text[len(mark) :]}"
