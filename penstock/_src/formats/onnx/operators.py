"""Operators that do the same as one raw op: a row each, by which a node is read and written.

    Operator("LeakyRelu", "LeakyRelu", attributes=(Attribute("alpha", "alpha", 0.01),))

Reading calls the raw op on the inputs (`reading/rows.py`), writing adds the node (`writing/ops/rows.py`). What needs more on one side has a
function there, which goes before the row: `@reads` in `reading/ops/`, `@writes` in `writing/ops/`.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attribute:
    """An attribute of a raw op that a node has too.

    Attributes:
      raw: its name in the raw op.
      name: its name in the node.
      default: of nodes without it; a bool is an integer in nodes.
    """

    raw: str
    name: str
    default: bool | float

    def read(self, node: Any) -> Any:
        """Returns the attribute of the raw op for a node."""
        if isinstance(self.default, bool):
            return node.flag(self.name, int(self.default))
        return node.attr(self.name, self.default)

    def written(self, operation: Any) -> int | float:
        """Returns the attribute of the node for an operation of a graph."""
        value = getattr(operation.raw_op, self.raw)
        return int(value) if isinstance(self.default, bool) else float(value)


@dataclass(frozen=True)
class Operator:
    """An operator of ONNX's own domain and the raw op that does the same, with inputs and outputs in the same order.

    Attributes:
      name: of the operator.
      raw: the raw op.
      also: other raw ops that are written as it.
      integers: positions of inputs of sizes and axes, which ONNX takes as int64.
      attributes: those that both have.
      fixed: attributes of the node that say what the raw op always does.
      index_type: the attribute of the raw op that is the dtype of its output, which is int64 in ONNX; "" if there is none.
      moves: True if elements are moved or counted, not computed with, so that they may be complex.
      reduces: True if the second input has the axes of a reduction.
    """

    name: str
    raw: str
    also: tuple[str, ...] = ()
    integers: tuple[int, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    fixed: dict[str, Any] = field(default_factory=dict)
    index_type: str = ""
    moves: bool = False
    reduces: bool = False


def _reduction(name: str, raw: str) -> Operator:
    keep = Attribute("keep_dims", "keepdims", True)
    return Operator(name, raw, attributes=(keep,), reduces=True)


_RUNNING = tuple(Attribute(name, name, False) for name in ("exclusive", "reverse"))

ROWS = (
    # Functions of one tensor.
    Operator("Abs", "Abs"),
    Operator("Acos", "Acos"),
    Operator("Acosh", "Acosh"),
    Operator("Asin", "Asin"),
    Operator("Asinh", "Asinh"),
    Operator("Atan", "Atan"),
    Operator("Atanh", "Atanh"),
    Operator("BitwiseNot", "Invert"),
    Operator("Ceil", "Ceil"),
    Operator("Cos", "Cos"),
    Operator("Cosh", "Cosh"),
    Operator("Det", "MatrixDeterminant"),
    Operator("Elu", "Elu", fixed={"alpha": 1.0}),
    Operator("Erf", "Erf"),
    Operator("Exp", "Exp"),
    Operator("Floor", "Floor"),
    Operator("IsInf", "IsInf"),
    Operator("IsNaN", "IsNan"),
    Operator("LeakyRelu", "LeakyRelu", attributes=(Attribute("alpha", "alpha", 0.01),)),
    Operator("Log", "Log"),
    Operator("LogSoftmax", "LogSoftmax", fixed={"axis": -1}),
    Operator("Neg", "Neg"),
    Operator("Not", "LogicalNot"),
    Operator("Reciprocal", "Reciprocal", also=("Inv",)),
    Operator("Relu", "Relu"),
    Operator("Round", "Round", also=("Rint",)),
    Operator("Selu", "Selu", fixed={"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    Operator("Sigmoid", "Sigmoid"),
    Operator("Sign", "Sign"),
    Operator("Sin", "Sin"),
    Operator("Sinh", "Sinh"),
    Operator("Softmax", "Softmax", fixed={"axis": -1}),
    Operator("Softplus", "Softplus"),
    Operator("Softsign", "Softsign"),
    Operator("Sqrt", "Sqrt"),
    Operator("Tan", "Tan"),
    Operator("Tanh", "Tanh"),
    # Functions of several, element by element.
    Operator("Add", "AddV2", also=("Add",)),
    Operator("And", "LogicalAnd"),
    Operator("BitwiseAnd", "BitwiseAnd"),
    Operator("BitwiseOr", "BitwiseOr"),
    Operator("BitwiseXor", "BitwiseXor"),
    Operator("Div", "RealDiv", also=("Div",)),
    Operator("Equal", "Equal"),
    Operator("Greater", "Greater"),
    Operator("GreaterOrEqual", "GreaterEqual"),
    Operator("Less", "Less"),
    Operator("LessOrEqual", "LessEqual"),
    Operator("Max", "Maximum"),
    Operator("Min", "Minimum"),
    Operator("Mul", "Mul"),
    Operator("Or", "LogicalOr"),
    Operator("Pow", "Pow"),
    Operator("Sub", "Sub"),
    Operator("Sum", "AddN"),
    Operator("Where", "SelectV2"),
    # Reductions.
    Operator("ArgMax", "ArgMax", index_type="output_type"),
    Operator("ArgMin", "ArgMin", index_type="output_type"),
    Operator("CumSum", "Cumsum", integers=(1,), attributes=_RUNNING),
    _reduction("ReduceL2", "EuclideanNorm"),
    _reduction("ReduceMax", "Max"),
    _reduction("ReduceMean", "Mean"),
    _reduction("ReduceMin", "Min"),
    _reduction("ReduceProd", "Prod"),
    _reduction("ReduceSum", "Sum"),
    # Shapes and copies.
    Operator("Expand", "BroadcastTo", integers=(1,), moves=True),
    Operator("Range", "Range"),
    Operator("Shape", "Shape", index_type="out_type", moves=True),
    Operator("Size", "Size", index_type="out_type", moves=True),
    Operator("Tile", "Tile", integers=(1,), moves=True),
)
BY_NAME = {row.name: row for row in ROWS}
BY_RAW = {raw: row for row in ROWS for raw in (row.raw, *row.also)}

# The operator ScatterND, and ScatterElements, by their attribute `reduction`.
SCATTERS = {
    "none": "TensorScatterUpdate",
    "add": "TensorScatterAdd",
    "max": "TensorScatterMax",
    "min": "TensorScatterMin",
}
