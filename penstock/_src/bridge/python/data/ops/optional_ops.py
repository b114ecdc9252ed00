"""Values that may be absent: `tensorflow.python.data.ops.optional_ops`."""

from penstock._src.data.iterator import Optional as _OptionalImpl
