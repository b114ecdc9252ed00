"""Names of codes: hashes of everything that determines a kernel's text, so that a cached kernel is found without writing its text.

A text is determined by the signature of the computation (as in the generator's cache, kept_codes.py), the target, the tuning numbers of its processor, and
the sources of the compiler.
"""

import dataclasses
import enum
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.processors import processor_of
from penstock._src.core.dtypes import DType
from penstock._src.native import Target, code
from penstock._src.native.cache.sources import OF_KERNELS, digest_of


class _Unknown(TypeError):
    """A signature contains a value without a persistent form."""


def identity_of(signature: Any, target: Target) -> str:
    """The identity of the code of a signature; empty if it has none: then its text is its identity."""
    # The target's identity leaves out its caches. A schedule depends on them through the processor's numbers: two targets that differ in
    # these alone, such as a virtual machine that reports another L2, have other codes for one signature.
    text = text_of_key((signature, processor_of(target)))
    return "" if text is None else code.identity_of("kernel", target, text)


def text_of_key(key: Any) -> str | None:
    """A text that no other key has, in any process; None if a part of the key has no permanent form."""
    parts: list[str] = []
    try:
        _add(key, parts)
    except _Unknown:
        return None
    return "\0".join(parts)


def name_of(identity: str) -> str | None:
    """The name in this user's cache of the code of an identity; None if it has none."""
    return code.name_of(_SOURCES, identity) if _SOURCES and identity else None


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
        # Types of eight bits beyond NumPy's own have one `str`.
        parts.append(f"n{value.dtype.str} {value.dtype.name} {value.tobytes().hex()}")
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
_SOURCES = digest_of(OF_KERNELS)
