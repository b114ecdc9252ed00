"""Graphs for training with quantized values: the operands of products are rounded to a number of bits, in ranges that are averaged while the graph trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.typesets import FLOAT
from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export

_PRODUCTS = ("MatMul", "Conv2D")
# They hand on what their first input is.
_PASSING = ("Reshape", "Concat", "ConcatV2", "MaxPool", "AvgPool", "Identity")
_KNOWN = ("Const", "Variable", "VariableV2")
_MOST_INPUTS = 2  # of a model: operations that say nothing of their range
_DECAY = 0.999


class _Range(NamedTuple):
    """Static facts about values: their sign, and their ends, if these are fixed."""

    is_signed: bool = True
    ends: tuple[float, float] | None = None


_RANGES = {
    "Relu": _Range(False),
    "Relu6": _Range(False, (0.0, 6.0)),
    "Sigmoid": _Range(False, (0.0, 1.0)),
    "Tanh": _Range(True, (-1.0, 1.0)),
}


@export(v1=["train.do_quantize_training_on_graphdef"])
def do_quantize_training_on_graphdef(input_graph: Any, num_bits: int) -> Any:
    """Returns a graph that rounds the operands of its MatMul and Conv2D operations to a number of bits.

    An operand goes through QuantizeAndDequantizeV2. Its range is fixed for Relu6, Sigmoid and Tanh; of others the smallest and the largest value are
    averaged over runs, in variables that need no initialization. Operations in the name scope `gradients` are left as they are.

    Args:
      input_graph: a GraphDef.
      num_bits: from 1 to 63.

    Returns:
      A GraphDef.

    Raises:
      IndexError: `num_bits` is out of range.
      ValueError: an operation has an input that the graph lacks, or is a product of other floats than float32.
      NotImplementedError: more than two operands come from operations that TensorFlow knows nothing of, such as placeholders and additions.

    >>> graph = tf.Graph()
    >>> with graph.as_default():
    ...     x = tf.compat.v1.placeholder(tf.float32, [2, 3])
    ...     y = tf.matmul(tf.sigmoid(x), tf.ones([3, 2]))
    >>> rounded = tf.compat.v1.train.do_quantize_training_on_graphdef(graph.as_graph_def(), 8)
    >>> [node.name for node in rounded.node if node.op == "QuantizeAndDequantizeV2"]
    ['Sigmoid/QuantizeAndDequantizeV2', 'ones/QuantizeAndDequantizeV2']
    """
    result = GraphDef.FromString(input_graph.SerializeToString())
    result.library.SetInParent()
    result.versions.SetInParent()
    if not result.node:
        return result
    if not 1 <= num_bits <= 63:
        raise IndexError(f"num_bits should be in range [1, 63] but is: {num_bits}")
    _Rewriting(result, num_bits).run()
    return result


class _Rewriting:
    """Adds nodes to a graph."""

    def __init__(self, graph: Any, num_bits: int) -> None:
        self._graph, self._num_bits = graph, num_bits
        self._nodes = {node.name: node for node in graph.node}
        self._rounded: dict[str, str] = {}  # an operand -> what rounds it
        self._inputs = 0

    def run(self) -> None:
        """Rounds the operands of all products."""
        for node in self._graph.node:
            for text in node.input:
                if _operation(text) not in self._nodes:
                    raise ValueError(f"Node '{node.name}': Unknown input node '{text}'")
        for node in list(self._products()):
            for number, text in enumerate(node.input):
                if not text.startswith("^"):
                    node.input[number] = self._rounded_operand(text)

    def _products(self) -> Iterator[Any]:
        """The products of a model, without those of its gradients."""
        for node in self._graph.node:
            if node.op not in _PRODUCTS or node.name.startswith("gradients/"):
                continue
            dtype = dtypes.as_dtype(node.attr["T"].type)
            if dtype is dtypes.float32:
                yield node
            elif dtype in FLOAT:
                raise ValueError(
                    f"Operands of {node.op} '{node.name}' are {dtype.name}; only float32 is rounded for training."
                )

    def _rounded_operand(self, text: str) -> str:
        source = self._nodes[_operation(text)]
        known = self._range(source)
        if text not in self._rounded:
            self._rounded[text] = self._round(text, known)
        return self._rounded[text]

    def _range(self, source: Any) -> _Range:
        """Static facts about an operand.

        Raises:
          NotImplementedError: more operands than supported come from ops about which nothing is known.
        """
        if source.op in _KNOWN:
            return _Range()
        if source.op in _RANGES:
            return _RANGES[source.op]
        if source.op in _PASSING:
            while source.op in _PASSING:
                source = self._nodes[_operation(source.input[0])]
            return _RANGES.get(source.op, _Range())
        self._inputs += 1
        if self._inputs > _MOST_INPUTS:
            raise NotImplementedError(
                f"Found an unknown op: {source.name} with type: {source.op}; Unknown ops are considered as model input for now "
                f"and only {_MOST_INPUTS} inputs are supported currently."
            )
        return _Range()

    def _round(self, text: str, known: _Range) -> str:
        """Adds the operations that round an operand; returns the name of the result."""
        name, _, output = text.partition(":")
        # Only the first output has the operation's name. For the others, TensorFlow rounds the first one.
        prefix = name if output in ("", "0") else f"{name}_{output}"
        if known.ends is None:
            ends = self._averaged_ends(prefix, text)
        else:
            ends = [
                self._constant(f"{prefix}/{end}", value)
                for end, value in zip(("InputMin", "InputMax"), known.ends)
            ]
        return self._add(
            f"{prefix}/QuantizeAndDequantizeV2", [text, *ends], T=dtypes.float32, num_bits=self._num_bits,
            signed_input=known.is_signed, range_given=True, narrow_range=False, axis=-1,
            round_mode=b"HALF_TO_EVEN",
        )  # fmt: skip

    def _averaged_ends(self, prefix: str, text: str) -> list[str]:
        """Adds moving averages of the smallest and the largest value; returns the names of both."""
        decay = self._constant(f"{prefix}/Decay", _DECAY)
        axes = f"{prefix}/ReductionAxes"
        start = self._constant(f"{axes}/RangeStart", 0)
        step = self._constant(f"{axes}/RangeDelta", 1)
        rank = self._add(f"{axes}/InputRank", [text], op="Rank", T=dtypes.float32)
        every = self._add(
            f"{axes}/ReductionAxes", [start, rank, step], op="Range", Tidx=dtypes.int32
        )
        facts = {"T": dtypes.float32, "Tidx": dtypes.int32, "keep_dims": False}
        ends = [self._add(f"{prefix}/{end}", [text, every], **facts) for end in ("Min", "Max")]
        return [self._average(end, decay) for end in ends]

    def _average(self, value: str, decay: str) -> str:
        """Adds the moving average of a number, which is the number itself at first; returns its name."""
        T = dtypes.float32
        kept = self._add(f"{value}/Variable", [], op="VariableV2", dtype=T, shape=(), container=b"", shared_name=b"")  # fmt: skip
        is_old = self._add(f"{value}/IsInitialized", [kept], op="IsVariableInitialized", dtype=T)
        first = self._add(f"{value}/Switch", [value, is_old], T=T)
        one = self._constant(f"{value}/EMA/OneConst", 1.0)
        rest = self._add(f"{value}/EMA/DecayComplement", [one, decay], op="Sub", T=T)
        apart = self._add(f"{value}/EMA/ValueDiff", [kept, f"{first}:1"], op="Sub", T=T)
        update = self._add(f"{value}/EMA/UpdateValue", [apart, rest], op="Mul", T=T)
        average = self._add(f"{value}/EMA/EMAValue", [kept, update], op="Sub", T=T)
        chosen = self._add(f"{value}/Merge", [first, average], T=T, N=2)
        facts = {"T": T, "validate_shape": True, "use_locking": True}
        return self._add(f"{value}/AssignValue", [kept, chosen], op="Assign", **facts)

    def _constant(self, name: str, value: float) -> str:
        dtype = dtypes.float32 if isinstance(value, float) else dtypes.int32
        self._add(name, [], op="Const", dtype=dtype)
        tensor = self._graph.node[-1].attr["value"].tensor
        tensor.dtype = dtype.as_datatype_enum
        tensor.tensor_shape.SetInParent()
        (tensor.float_val if isinstance(value, float) else tensor.int_val).append(value)
        return name

    def _add(self, name: str, inputs: list[str], op: str = "", **attributes: Any) -> str:
        """Adds a node; its type is the last part of its name unless it is given."""
        if name in self._nodes:
            raise UnimplementedError(
                f"The graph has a node '{name}' already, as one that was rewritten before."
            )
        node = self._graph.node.add(name=name, op=op or name.rpartition("/")[2], input=inputs)
        for key, value in attributes.items():
            _set(node.attr[key], value)
        self._nodes[name] = node
        return name


def _operation(text: str) -> str:
    """The name of the operation in the text of an input."""
    return text.removeprefix("^").partition(":")[0]


def _set(attribute: Any, value: Any) -> None:
    """Sets an attribute of a node."""
    if isinstance(value, bool):
        attribute.b = value
    elif isinstance(value, int):
        attribute.i = value
    elif isinstance(value, bytes):
        attribute.s = value
    elif isinstance(value, tuple):
        attribute.shape.SetInParent()
    else:
        attribute.type = value.as_datatype_enum
