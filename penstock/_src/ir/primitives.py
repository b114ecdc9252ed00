"""The grammar of the representation: every kind of node, on one page.

A row has the kind, its arguments (...: any number), its attributes and one sentence; its shape rule in shape_rules.py
and its meaning in meaning/ have the kind's name. Shapes are tuples of ints and `Dim`s.
`unary`, `binary` and `compare` are families: their `op` attribute is one of the names in UNARY, BINARY, COMPARE.

Every kind has a counterpart in the StableHLO specification, which is named where it differs.
"""

import re
from collections.abc import Callable
from typing import Any

from penstock._src.ir import shape_rules
from penstock._src.ir.meaning import arrays as meanings
from penstock._src.util.dataclass import dataclass

UNARY = frozenset(
    "neg abs sign exp expm1 log log1p sqrt rsqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh"
    " sigmoid erf erfc lgamma floor ceil round not is_finite is_nan is_inf reciprocal square popcount real imag"
    " conj".split()
)
BINARY = frozenset(
    "add sub mul div floordiv mod truncdiv truncmod pow maximum minimum atan2 and or xor shift_left shift_right"
    " shift_right_logical complex".split()
)
COMPARE = frozenset("eq ne lt le gt ge".split())
REDUCE = frozenset("sum prod max min any all".split())
SCAN = frozenset("sum prod max min".split())
SCATTER = frozenset("add set max min mul".split())

ELEMENTWISE = frozenset("unary binary compare select cast iterate".split())  # kinds
COMMUTATIVE = frozenset("add mul maximum minimum and or xor".split())

GRAMMAR = """
leaves
  parameter(; index, name, shape, dtype, scope)   an argument of the function; of dtype resource: a variable's handle
  read(variable; shape, dtype)                    the value that a variable (a parameter of dtype resource) has when the function starts
  constant(; value, dtype)                        a known array
  size(; dims, shape, dtype)                      numbers known once shapes are: expressions over Dims, computed when a program is bound
  iota(; axis, shape, dtype)                      each element's own index along `axis`
  random_bits(key, counter; count, algorithm)     uint32[count]: Philox 4x32-10 or Threefry 2x32-20 (rng_bit_generator)
elementwise: all arguments have one shape
  unary(x; op)                                    op(x), element by element
  binary(x, y; op)                                op(x, y), element by element
  compare(x, y; op)                               a bool: x op y
  select(condition, a, b)                         a where the condition holds, else b
  cast(x; dtype)                                  the value in another dtype: floats to integers truncate, complex to real drops the imaginary part (convert)
  iterate(x, ...; recurrence, index)              element by element: carried values, stepped by the recurrence as long as it says; the one of the index (meaning/recurrences.py; a while and selects)
  bitcast(x; dtype)                               the same bits as another dtype; a narrower one adds a last axis, a wider one takes it (bitcast_convert)
packed weights (meaning/packed.py; several operations in StableHLO)
  unpack(packed; format)                          float32 [..., k] of rows of blocks, uint8 [..., bytes of a row]
  round_groups(x; size)                           float32 x, each `size` neighbors along the last axis rounded to int8 times a scale of their own
ensembles of decision trees (meaning/trees.py; several operations in StableHLO): sums [rows, sums] of the leaves that rows x reach
  leaf_masks(x, base, values, feature, threshold, mask, sets, words, units; strict)     every node is tested, and takes the bits of leaves away
  tree_paths(x, base, values, threshold, link, set_of, sets, words, leaf, trees; strict, feature_bits)     each row goes from node to node
movement: an index map, no arithmetic
  reshape(x; shape)                               the same elements, row by row, in another shape
  transpose(x; perm)                              axis i of the result is axis perm[i] of x
  broadcast(x; shape, axes)                       axis i of x is axis axes[i] of the result; extents of 1 and missing axes repeat (broadcast_in_dim)
  slice(x; starts, limits, strides)               x[start:limit:stride] along every axis; strides are positive
  pad(x, fill; low, high, interior)               x with a scalar around it and between its elements; negative amounts cut
  reverse(x; axes)                                x backwards along axes
  concat(...; axis)                               the arguments one after the other along an axis (concatenate)
  windows(x, fill; axes, size, strides, dilations, low, high, base_dilations)
                                                  every window of x: axes become window positions, and offsets inside a window come last; a scalar pads (a view)
  dynamic_slice(x, ...; sizes)                    a block of x at run-time starts (scalars; clamped so that it fits)
  dynamic_update_slice(x, update, ...)            x with a block replaced at run-time starts (scalars; clamped so that it fits)
order of computation
  optimization_barrier(x, ...)                    x, computed anew where it would be an equal node, once the further arguments are known
across elements
  reduce(x; op, axes)                             one value of each line along axes, which disappear; a sum of nothing is 0, a max the lowest value
  arg_reduce(x; op, axis, dtype)                  the index of the first largest (max) or smallest (min) element along an axis, which disappears
  scan(x; op, axis, exclusive, reverse)           running sum, product, maximum or minimum along an axis (reduce_window)
  sort(...; axis, descending, num_keys, count)    the arguments sorted together by the first num_keys of them, stably, NaN last; the first `count` of each line; heap=True: in the order of a heap
  fft(x, roots; axis, inverse)                    the discrete Fourier transform along an axis; roots are those of unity (meaning/fourier.py); the inverse one is divided by the length
  contract(x, y; spec)                            an einsum of two operands, "bmk,bkn->bmn": products summed over the missing letters (dot_general)
  gather(x, indices; axis, batch_dims, mode)      x[..., indices, ...] at an axis; indices outside clamp, give zero, or raise an error
  scatter(x, indices, updates; op, mode)          x with updates combined at index vectors (last axis of indices) of its leading axes, in order unless they are unique
between processes: all of them make these in one order (compiler/lower/context.py)
  exchange_start(x, ...; unit, number, last, size)    begins to exchange x as the unit says, among `size` processes; the further argument is begun before (all_reduce, reduce_scatter, all_gather, all_to_all)
  exchange_wait(started, x; unit, number, last, size)       what was begun, complete with its unit; x is what was given, which must not change until then
control: functions as attributes, outer values passed in as arguments
  while(...; cond, body, carried)                 carried values stepped by body while cond holds; arguments past `carried` stay as they are
  case(index, ...; branches)                      the results of branches[index](operands); an index outside means the last branch
  item(x; index)                                  one result of a node with several (get_tuple_element)
"""


@dataclass(frozen=True)
class Primitive:
    """A kind: the number of its arguments (None: any), its shape rule and its meaning in NumPy."""

    arity: int | None
    infer: Callable[..., Any]
    evaluate: Callable[..., Any] | None


def _primitive(kind: str, arguments: str) -> Primitive:
    name = f"{kind}_" if kind in ("while", "slice") else kind
    arity = None if "..." in arguments else len(arguments.split(",")) if arguments else 0
    return Primitive(arity, getattr(shape_rules, name), getattr(meanings, name, None))


PRIMITIVES = {
    kind: _primitive(kind, arguments)
    for kind, arguments in re.findall(r"^  (\w+)\(([^;)]*)", GRAMMAR, re.MULTILINE)
}

MOVEMENT = frozenset({"reshape", "transpose", "broadcast", "slice", "reverse"})
OPS_OF = {
    "unary": UNARY,
    "binary": BINARY,
    "compare": COMPARE,
    "reduce": REDUCE,
    "scan": SCAN,
    "scatter": SCATTER,
    "arg_reduce": frozenset({"max", "min"}),
}
