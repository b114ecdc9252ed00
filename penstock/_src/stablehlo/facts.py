"""Operands, regions and attributes of each operation of StableHLO, as a table for `verify.py`.

A row: the name, how many operands (a number, `n`: any, `1+`: at least one, `2n`: pairs, `2n+1`), then words:

    of:KINDS        element types of all operands: f(loat), c(omplex), i(nteger), b(ool)
    same            operands of one shape; `scalars`: or of rank 0
    regions:A>B,..  a region for each, of A arguments and B results; n: as many as operands or pairs, r: as results
    NAME=KIND       an attribute. Kinds of values: int, bool, text, number, word, symbol, array, ints, pairs; of numbers of
                    axes: axis, axes (of operand 0), axis1, axes1 (of operand 1), result_axis, result_axes; each: as many
                    integers as operand 0 has axes, positive: greater than 0; a `?` at the end: or none at all
"""

from functools import cache
from typing import NamedTuple

_WINDOW = "window_strides=positive?"
_CONVOLUTION = """batch_group_count=int feature_group_count=int input_batch_dimension=axis
    input_feature_dimension=axis input_spatial_dimensions=axes kernel_input_feature_dimension=axis1
    kernel_output_feature_dimension=axis1 kernel_spatial_dimensions=axes1 lhs_dilation=positive?
    output_batch_dimension=result_axis output_feature_dimension=result_axis
    output_spatial_dimensions=result_axes rhs_dilation=positive? window_reversal=ints?
    window_strides=positive?"""
_GATHER = """collapsed_slice_dims=axes index_vector_dim=int offset_dims=result_axes start_index_map=axes
    operand_batching_dims=axes? start_indices_batching_dims=axes1?"""

_ROWS = f"""
abs 1 of:fci
add 2 same
and 2 same of:ib
atan2 2 same of:fc
cbrt 1 of:fc
ceil 1 of:f
complex 2 same of:f
cosine 1 of:fc
count_leading_zeros 1 of:i
divide 2 same of:fci
exponential 1 of:fc
exponential_minus_one 1 of:fc
floor 1 of:f
imag 1 of:fc
is_finite 1 of:f
log 1 of:fc
log_plus_one 1 of:fc
logistic 1 of:fc
maximum 2 same
minimum 2 same
multiply 2 same
negate 1 of:fci
not 1 of:ib
or 2 same of:ib
popcnt 1 of:i
power 2 same of:fci
real 1 of:fc
remainder 2 same of:fci
round_nearest_afz 1 of:f
round_nearest_even 1 of:f
rsqrt 1 of:fc
shift_left 2 same of:i
shift_right_arithmetic 2 same of:i
shift_right_logical 2 same of:i
sign 1 of:fci
sine 1 of:fc
sqrt 1 of:fc
subtract 2 same of:fci
tan 1 of:fc
tanh 1 of:fc
xor 2 same of:ib
clamp 3 scalars
select 3 scalars
compare 2 same compare_type=word comparison_direction=word
convert 1
bitcast_convert 1
reduce_precision 1 of:f exponent_bits=int mantissa_bits=int
map 1+ same regions:n>1 dimensions=ints
optimization_barrier n
constant 0 value=array
iota 0 iota_dimension=result_axis
reshape 1
transpose 1 permutation=axes
broadcast_in_dim 1 broadcast_dimensions=result_axes
broadcast 1 broadcast_sizes=ints
slice 1 limit_indices=each start_indices=each strides=each
pad 2 edge_padding_high=each edge_padding_low=each interior_padding=each
reverse 1 dimensions=axes
concatenate 1+ dimension=axis
dynamic_slice 1+ slice_sizes=each
dynamic_update_slice 2+
get_dimension_size 1 dimension=axis
set_dimension_size 2 dimension=axis
dynamic_broadcast_in_dim 2 broadcast_dimensions=result_axes
dynamic_reshape 2
dynamic_iota 1 iota_dimension=result_axis
dynamic_pad 5
real_dynamic_slice 4
dot 2
dot_general 2 lhs_batching_dimensions=axes lhs_contracting_dimensions=axes rhs_batching_dimensions=axes1 rhs_contracting_dimensions=axes1
einsum 2 einsum_config=text
unary_einsum 1 einsum_config=text
convolution 2 {_CONVOLUTION} padding=pairs
dynamic_conv 3 {_CONVOLUTION}
reduce 2n regions:2n>n dimensions=axes
reduce_window 2n regions:2n>n window_dimensions=positive {_WINDOW} base_dilations=positive? window_dilations=positive? padding=pairs?
select_and_scatter 3 regions:2>1,2>1 window_dimensions=positive? {_WINDOW} padding=pairs?
gather 2 {_GATHER} slice_sizes=each
dynamic_gather 3 {_GATHER}
scatter 2n+1 regions:2n>n index_vector_dim=int inserted_window_dims=axes scatter_dims_to_operand_dims=axes update_window_dims=ints input_batching_dims=axes? scatter_indices_batching_dims=ints?
torch_index_select 2 dim=axis batch_dims=int
sort 1+ same regions:2m>1 dimension=int is_stable=bool
while n regions:n>1,n>n
if 1 regions:0>r,0>r
case 1 regions:0>r+
call n callee=symbol
composite n name=text decomposition=symbol
custom_call n call_target_name=text
batch_norm_inference 5 epsilon=number feature_index=axis
batch_norm_training 3 epsilon=number feature_index=axis
batch_norm_grad 5 epsilon=number feature_index=axis
cholesky 1 of:fc lower=bool
triangular_solve 2 of:fc left_side=bool lower=bool transpose_a=word unit_diagonal=bool
fft 1 of:fc fft_length=positive fft_type=word
rng_bit_generator 1 rng_algorithm=word
partition_id 0
replica_id 0
return n
"""


class Facts(NamedTuple):
    """The row of an operation."""

    operands: str
    kinds: str
    shapes: str  # "", "same" or "scalars"
    regions: tuple[str, ...]
    attributes: dict[str, str]


@cache
def table() -> dict[str, Facts]:
    """The rows by name."""
    rows = " ".join(_ROWS.replace("\n    ", " ").split(" ")).strip().splitlines()
    return dict(map(_parsed, rows))


def _parsed(row: str) -> tuple[str, Facts]:
    name, operands, *words = row.split()
    kinds, shapes, regions, attributes = "fcib", "", "", {}
    for word in words:
        if "=" in word:
            attribute, kind = word.split("=")
            attributes[attribute] = kind
        elif word.startswith("of:"):
            kinds = word.removeprefix("of:")
        elif word.startswith("regions:"):
            regions = word.removeprefix("regions:")
        else:
            shapes = word
    return name, Facts(operands, kinds, shapes, tuple(filter(None, regions.split(","))), attributes)
