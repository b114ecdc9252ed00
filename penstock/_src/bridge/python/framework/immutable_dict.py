"""`tensorflow.python.framework.immutable_dict`: the dicts in fields of extension types."""

from penstock._src.util.immutable_dict import ImmutableDict

__all__ = ["ImmutableDict"]
