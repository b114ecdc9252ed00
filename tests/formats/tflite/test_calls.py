"""Graphs of a file that call one another: loops in loops are computed, what doubles or never ends is refused at once."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.tflite.schema import SCHEMA, TensorType, encode_model

_LESS, _TANH, _IF, _WHILE, _COMPOSITE = 58, 28, 118, 119, 206
_CODES = (_LESS, _TANH, _IF, _WHILE, _COMPOSITE)


def _tensor(name, shape=(1,), kind=TensorType.FLOAT32, buffer=0):
    return SCHEMA["Tensor"](
        shape=np.array(shape, np.int32), type=kind, buffer=buffer, name=name, has_rank=True
    )


def _node(code, inputs, output, options=None):
    second = options is not None and options.TABLE.name.startswith("Stable")
    return SCHEMA["Operator"](
        opcode_index=_CODES.index(code),
        inputs=np.array(inputs, np.int32),
        outputs=np.array([output], np.int32),
        builtin_options=None if second else options,
        builtin_options2=options if second else None,
    )


def _graph(name, operators, output):
    """A graph of tensors x, a, b of floats, a bool and a half."""
    tensors = [_tensor(n) for n in "xab"]
    tensors += [_tensor("c", kind=TensorType.BOOL), _tensor("half", buffer=1)]
    return SCHEMA["SubGraph"](
        tensors=tensors,
        inputs=np.array([0], np.int32),
        outputs=np.array([output], np.int32),
        operators=operators,
        name=name,
    )


def _calls(kind, graph, last, count):
    """Nodes in a row that call a graph; `last` is the one that calls none."""
    nodes = []
    for inputs, output in ((0, 1), (1, 2))[:count]:
        if kind == _IF:
            nodes.append(_node(_LESS, [4, 0], 3))
            options = SCHEMA["IfOptions"](then_subgraph_index=graph, else_subgraph_index=last)
            nodes.append(_node(_IF, [3, inputs], output, options))
        elif kind == _WHILE:
            options = SCHEMA["WhileOptions"](cond_subgraph_index=0, body_subgraph_index=graph)
            nodes.append(_node(_WHILE, [inputs], output, options))
        else:
            options = SCHEMA["StableHLOCompositeOptions"](
                name="own", decomposition_subgraph_index=graph
            )
            nodes.append(_node(_COMPOSITE, [inputs], output, options))
    return nodes


def _interpreter(kind, depth, count, last=None):
    """A model of graphs that each call the next one `count` times; the first is a condition."""
    condition = _graph("condition", [_node(_LESS, [4, 0], 3)], 3)
    graphs = [_graph(f"g{i}", _calls(kind, i + 2, depth + 1, count), count) for i in range(depth)]
    graphs.append(
        _graph("last", _calls(kind, last, last, 1) if last else [_node(_TANH, [0], 1)], 1)
    )
    codes = [
        SCHEMA["OperatorCode"](deprecated_builtin_code=min(c, 127), builtin_code=c, version=1)
        for c in _CODES
    ]
    half = np.frombuffer(np.float32(0.5).tobytes(), np.uint8)
    model = SCHEMA["Model"](
        version=3,
        operator_codes=codes,
        subgraphs=[graphs[0], condition, *graphs[1:]] if False else [condition, *graphs],
        signature_defs=[
            SCHEMA["SignatureDef"](
                inputs=[SCHEMA["TensorMap"](name="x", tensor_index=0)],
                outputs=[SCHEMA["TensorMap"](name="y", tensor_index=count)],
                signature_key="main",
                subgraph_index=1,
            )
        ],
        description="",
        buffers=[SCHEMA["Buffer"](), SCHEMA["Buffer"](data=half)],
    )
    return tf.lite.Interpreter(model_content=encode_model(model))


@pytest.mark.parametrize("kind", [_IF, _WHILE, _COMPOSITE])
def test_graphs_that_double_are_refused_at_once(kind):
    with pytest.raises(ValueError, match="expand to more than 65,536 nodes"):
        _interpreter(kind, 30, 2)


@pytest.mark.parametrize("kind", [_IF, _WHILE, _COMPOSITE])
def test_graphs_that_call_themselves_are_refused(kind):
    with pytest.raises(ValueError, match=r"subgraphs\[1\] calls itself"):
        _interpreter(kind, 3, 1, last=1)


@pytest.mark.parametrize("kind", [_IF, _WHILE, _COMPOSITE])
def test_deep_nesting_costs_no_more_than_its_size(kind):
    run = _interpreter(kind, 20, 1).get_signature_runner("main")
    expected = np.tanh(np.float32(0.6))
    while kind == _WHILE and expected > 0.5:
        expected = np.tanh(expected)
    np.testing.assert_allclose(run(x=np.array([0.6], np.float32))["y"], [expected], rtol=1e-5)
