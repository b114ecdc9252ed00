"""`tensorflow.python.framework.dtypes`: reference types, NumPy's types, and tables of both."""

from typing import Any

import ml_dtypes

from penstock._src.core import dtypes
from penstock._src.core.dtypes import as_dtype

_np_bfloat16 = ml_dtypes.bfloat16
_np_float8_e4m3fn, _np_float8_e5m2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2
_np_float8_e4m3fnuz, _np_float8_e5m2fnuz = ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2fnuz
_np_float8_e4m3b11fnuz, _np_float4_e2m1fn = ml_dtypes.float8_e4m3b11fnuz, ml_dtypes.float4_e2m1fn
_np_int2, _np_int4 = ml_dtypes.int2, ml_dtypes.int4
_np_uint2, _np_uint4 = ml_dtypes.uint2, ml_dtypes.uint4

_KINDS = [dtypes.as_dtype(number) for number in sorted(dtypes.FACTS)]
_TYPE_TO_STRING = {
    number: kind.name
    for t in _KINDS
    for kind in (t, t._as_ref)
    for number in [kind.as_datatype_enum]
}
_TF_TO_NP = {
    number: t.as_numpy_dtype
    for t in _KINDS
    if t not in (dtypes.resource, dtypes.variant)
    for number in (t.as_datatype_enum, t._as_ref.as_datatype_enum)
}
_NP_TO_TF = {t.as_numpy_dtype: t for t in _KINDS if isinstance(t.as_numpy_dtype, type)}
_NP_TO_TF[object] = dtypes.string
TF_VALUE_DTYPES = set(_NP_TO_TF.values())
QUANTIZED_DTYPES = dtypes.QUANTIZED_DTYPES


def __getattr__(name: str) -> Any:
    if name.endswith("_ref"):
        try:
            return as_dtype(name)
        except TypeError:
            pass
    raise AttributeError(name)
