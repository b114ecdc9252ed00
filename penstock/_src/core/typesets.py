"""Sets of dtypes that ops allow for a dtype attribute."""

from penstock._src.core import dtypes as d

# In the order in which mixed numbers are promoted.
RANKED_FLOATS = (d.float16, d.bfloat16, d.float32, d.float64)
FLOAT = frozenset(RANKED_FLOATS)
# Floats of 32 bits at most.
SINGLE = FLOAT - {d.float64}
# Floats of low precision and range: sums of them are computed in float32.
NARROW = SINGLE - {d.float32}
# Floats with the exponents of float32.
SINGLE_RANGE = SINGLE - {d.float16}
SIGNED = frozenset({d.int8, d.int16, d.int32, d.int64})
UNSIGNED = frozenset({d.uint8, d.uint16, d.uint32, d.uint64})
INTEGER = SIGNED | UNSIGNED
INDEX = frozenset({d.int32, d.int64})
COMPLEX = frozenset({d.complex64, d.complex128})
QUANTIZED = frozenset({d.qint8, d.quint8, d.qint16, d.quint16, d.qint32})
BOOL = frozenset({d.bool_})
STRING = frozenset({d.string})
REAL = FLOAT | INTEGER
NUMERIC = REAL | COMPLEX
NUMBER = NUMERIC | QUANTIZED
ANY = frozenset(d.TYPES.values())
# Differentiable dtypes; the gradient of a handle is that of the value it holds.
DIFFERENTIABLE = FLOAT | COMPLEX | {d.resource, d.variant}
# Their enum values: ints are found without a call of Python's.
DIFFERENTIABLE_ENUMS = frozenset(dtype._enum for dtype in DIFFERENTIABLE)
