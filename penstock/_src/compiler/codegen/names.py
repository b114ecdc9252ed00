"""Names of codes: hashes of everything that determines a kernel's text, so that a cached kernel is found without writing its text.

A text is determined by the signature of the computation (as in the generator's cache, kept_codes.py), the target, the number of
processors by which sums are divided, and the sources of the compiler.
"""

import dataclasses
import enum
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.kernel_code import threads_of_sums
from penstock._src.core.dtypes import DType
from penstock._src.native import Target
from penstock._src.native.cache.sources import PACKAGE, digest_of
from penstock._src.native.code import hashed

# Folders of the package with the code that writes texts.
FOLDERS = ("compiler", "core", "ir", "native")


class _Unknown(TypeError):
    """A signature contains a value without a persistent form."""


def name_of(signature: Any, target: Target) -> str | None:
    """The name of the code of a signature; None if it has none: then its text is its identity."""
    if _SOURCES is None:
        return None
    parts: list[str] = [_SOURCES, str(threads_of_sums())]
    try:
        _add(target, parts)
        _add(signature, parts)
    except _Unknown:
        return None
    return hashed(target, "\0".join(parts).encode())


def _add(value: Any, parts: list[str]) -> None:
    """Adds a value's form, which no other value has."""
    kind = type(value)
    if kind is tuple or kind is list:
        parts.append(f"({len(value)}")
        for each in value:
            _add(each, parts)
    elif kind is str:
        parts.append(f"s{len(value)} {value}")
    elif kind is int or kind is bool or value is None:
        parts.append(repr(value))
    elif kind is float:
        parts.append(value.hex())
    elif kind is complex:
        parts.append(f"{value.real.hex()} {value.imag.hex()}j")
    elif isinstance(value, DType):
        parts.append(f"t{value.name}")
    elif isinstance(value, np.generic):
        parts.append(f"n{value.dtype.str} {value.tobytes().hex()}")
    elif isinstance(value, enum.Enum):
        parts.append(f"e{kind.__qualname__}.{value.name}")
    elif dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        parts.append(f"{kind.__module__}.{kind.__qualname__} {len(fields)}")
        for field in fields:
            _add(getattr(value, field.name), parts)
    else:
        raise _Unknown(f"{kind.__qualname__}: {value!r}")


# Computed when the compiler is loaded: if sources change while this process runs, it still has the old code.
_SOURCES = digest_of(PACKAGE, FOLDERS)
