"""tf.lite.experimental.Analyzer."""

from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.tflite.reading.contents import (
    Contents,
    Graph,
    Operation,
    TensorInfo,
    read_contents,
)
from penstock._src.formats.tflite.reading.source import data_of
from penstock._src.formats.tflite.schema import TensorType
from penstock._src.util.export import export

_SHOWN = 5  # values of a constant
# Options that name a graph, with its description.
_GRAPHS = {
    "then_subgraph_index": "Then",
    "else_subgraph_index": "Else",
    "cond_subgraph_index": "Cond",
    "body_subgraph_index": "Body",
    "init_subgraph_index": "Init",
}


@export("lite.experimental.Analyzer")
class Analyzer:
    """Prints what a TFLite model is made of."""

    @staticmethod
    def analyze(
        model_path: Any = None,
        model_content: Any = None,
        gpu_compatibility: bool = False,
        **kwargs: Any,
    ) -> None:
        """Prints the graphs of a model, their operators and tensors, and how many bytes are constants.

        Args:
          model_path: the file.
          model_content: or its bytes.
          gpu_compatibility: whether a GPU delegate could run it, which is not implemented.
          **kwargs: `experimental_use_mlir`: print MLIR, which is not implemented.

        Raises:
          ValueError: there is no model, or it is damaged.
          UnimplementedError: another kind of analysis is asked for.

        >>> double = tf.function(lambda x: x + x)
        >>> function = double.get_concrete_function(tf.TensorSpec([3], tf.float32, name="x"))
        >>> content = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
        >>> tf.lite.experimental.Analyzer.analyze(model_content=content)
        === TFLite model: 1 subgraph, 1 operator ===
        <BLANKLINE>
        Subgraph#0 serving_default(T#0) -> [T#1]
          Op#0 ADD(T#0, T#0) -> [T#1]
        <BLANKLINE>
        Tensors of Subgraph#0
          T#0(x) shape:[3], type:FLOAT32
          T#1(add) shape:[3], type:FLOAT32
        <BLANKLINE>
        Model: 464 bytes, of which 0 are constants
        """
        if not model_path and not model_content:
            raise ValueError("neither `model_path` nor `model_content` is provided")
        for name, wanted in {"gpu_compatibility": gpu_compatibility, **kwargs}.items():
            if wanted:
                raise UnimplementedError(
                    f"tf.lite.experimental.Analyzer.analyze: {name}={wanted!r} is not implemented."
                )
        data, name = data_of(model_path, model_content)
        print(text_of(read_contents(data, name), len(data)))


def text_of(contents: Contents, size: int) -> str:
    """Returns what `analyze` prints.

    Args:
      contents: the model.
      size: of its file, in bytes.
    """
    operators = sum(len(graph.operations) for graph in contents.graphs)
    counts = f"{_counted(len(contents.graphs), 'subgraph')}, {_counted(operators, 'operator')}"
    lines = [f"=== TFLite model: {counts} ===", ""]
    for graph in contents.graphs:
        lines += [*_graph_lines(graph), ""]
    buffers = {
        tensor.record.buffer: tensor.constant.nbytes
        for graph in contents.graphs
        for tensor in graph.tensors
        if tensor.constant is not None
    }
    lines.append(f"Model: {size} bytes, of which {sum(buffers.values())} are constants")
    return "\n".join(lines)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _graph_lines(graph: Graph) -> list[str]:
    inputs = ", ".join(_name(graph, i) for i in graph.inputs)
    outputs = ", ".join(_name(graph, i) for i in graph.outputs)
    lines = [f"Subgraph#{graph.index} {graph.name}({inputs}) -> [{outputs}]"]
    lines += [f"  Op#{i} {_operation(graph, op)}" for i, op in enumerate(graph.operations)]
    lines += ["", f"Tensors of Subgraph#{graph.index}"]
    return lines + [f"  {_tensor(graph, tensor)}" for tensor in graph.tensors]


def _name(graph: Graph, index: int) -> str:
    """A tensor's number, with that of its graph unless it is the first."""
    return f"T#{graph.index}_{index}" if graph.index and index >= 0 else f"T#{index}"


def _operation(graph: Graph, operation: Operation) -> str:
    inputs = [_name(graph, i) + _small(graph, i) for i in operation.inputs]
    inputs += [
        f"{said}: Subgraph#{getattr(operation.options, option)}"
        for option, said in _GRAPHS.items()
        if hasattr(operation.options, option)
    ]
    outputs = ", ".join(_name(graph, i) for i in operation.outputs)
    name = operation.custom_code or operation.name
    return f"{name}({', '.join(inputs)}) -> [{outputs}]"


def _small(graph: Graph, index: int) -> str:
    """The values of a small constant of integers, such as axes and shapes."""
    value = graph.tensors[index].constant if index >= 0 else None
    if value is None or value.dtype.kind not in "iu" or value.size > _SHOWN:
        return ""
    return _values(value)


def _values(value: np.ndarray) -> str:
    shown = [str(x) for x in value.reshape(-1)[:_SHOWN].tolist()]
    more = ["..."] if value.size > _SHOWN else []
    return f"[{', '.join(shown + more)}]"


def _tensor(graph: Graph, tensor: TensorInfo) -> str:
    is_open = -1 in tensor.shape_signature
    kind, shape = "shape", list(tensor.shape)
    if is_open:
        kind, shape = "shape_signature", list(tensor.shape_signature)
    text = f"{_name(graph, tensor.index)}({tensor.name}) {kind}:{shape}, type:{TensorType.name(tensor.type)}"
    if tensor.constant is not None:
        text += f" RO {tensor.constant.nbytes} bytes, data:{_values(tensor.constant)}"
    if tensor.quantization is not None:
        scales, zeros = tensor.quantization.scales, tensor.quantization.zero_points
        text += f", scale:{_values(scales)}, zero_point:{_values(zeros)}"
    return text + (", variable" if tensor.is_variable else "")
