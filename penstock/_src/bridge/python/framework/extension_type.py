"""`tensorflow.python.framework.extension_type`: records of tensors, packed in a variant or without a class of their own."""

from penstock._src.api.extending.anonymous_type import (
    AnonymousExtensionType,
    AnonymousExtensionTypeSpec,
    reinterpret,
)
from penstock._src.api.extending.extension_type import (
    BatchableExtensionTypeSpec,
    ExtensionTypeMetaclass,
    is_packed,
    pack,
    unpack,
)

__all__ = [
    "AnonymousExtensionType",
    "AnonymousExtensionTypeSpec",
    "BatchableExtensionTypeSpec",
    "ExtensionTypeMetaclass",
    "is_packed",
    "pack",
    "reinterpret",
    "unpack",
]
