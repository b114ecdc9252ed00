"""Random numbers, look-ups, and what TFLite runs of StableHLO."""

import numpy as np

from tests.interop.tflite.cases import I32, I64, B, F, bools, case, const, f32, given, ints, out
from tests.interop.tflite.models import Tensor

for _op in ("RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL"):
    case(
        _op, [const([3, 5])], [out(F)], "RandomOptions", fields={"seed": 11, "seed2": 22}, rtol=1e-5
    )
case(
    "MULTINOMIAL",
    [f32(2, 4), const(6)],
    [out(I64)],
    "RandomOptions",
    fields={"seed": 11, "seed2": 22},
)
case("HASHTABLE_LOOKUP", [given([7, 1, 4]), given([1, 4, 9]), f32(3, 2)], [out(F), out(np.uint8)])
for _combiner in (0, 1, 2):
    case(
        "EMBEDDING_LOOKUP_SPARSE",
        [given([1, 3, 0]), given([[0, 0], [2, 0], [2, 1]]), const([3, 2]), f32(3, low=0.5), f32(4, 2, 3)],
        [out(F)], "EmbeddingLookupSparseOptions", f"{_combiner}", fields={"combiner": _combiner},
    )  # fmt: skip
for _op in ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM"):
    case(f"STABLEHLO_{_op}", [f32(3, 4), f32(3, 4)], [out(F)])
    case(f"STABLEHLO_{_op}", [ints(I32, 3, 4), ints(I32, 3, 4)], [out(I32)])
case("STABLEHLO_AND", [bools(3, 4), bools(3, 4)], [out(B)])
case("STABLEHLO_SHIFT_LEFT", [ints(I32, 3, 4), ints(I32, 3, 4, low=0)], [out(I32)])
case(
    "STABLEHLO_PAD",
    [f32(3, 4), const(0.5, F)],
    [out(F)],
    "StablehloPadOptions",
    fields={"edge_padding_low": [1, -1], "edge_padding_high": [0, 2], "interior_padding": [2, 1]},
)
case("STABLEHLO_GATHER", [f32(5, 4, 3), given([[0, 1], [9, 2]], I64)], [Tensor(dtype=F, shape=(2, 2, 1))], "StablehloGatherOptions",
     fields={"offset_dims": [1, 2], "collapsed_slice_dims": [0], "start_index_map": [0, 2], "index_vector_dim": 1, "slice_sizes": [1, 2, 1]})  # fmt: skip
for _f in (1, 2, 3, 4):
    case(
        "REDUCE_WINDOW",
        [f32(5, 7), const(0.25, F), const([2, 3], I64), const([1, 2], I64), const([2, 1], I64)],
        [out(F)],
        "ReduceWindowOptions",
        f"{_f}",
        fields={"reduce_function": _f},
        rtol=1e-5,
    )
