"""`tensorflow.python.framework.extension_type`: records of tensors without a class of their own."""

from penstock._src.api.extending.anonymous_type import (
    AnonymousExtensionType,
    AnonymousSpec,
    reinterpret,
)

__all__ = ["AnonymousExtensionType", "reinterpret"]

AnonymousExtensionTypeSpec = AnonymousSpec
