"""Which ops have a gradient, which have none (None), and which raise LookupError, as TensorFlow 2.21 has it.

`tests/parity/gradients.txt` is TensorFlow's registry: "<op> yes", or "<op> none" for an op that is registered as not
differentiable. Of an op that is not listed nobody may ask the gradient.
"""

import pathlib

from penstock._src.core import registry

TABLE = pathlib.Path(__file__).parents[1] / "parity" / "gradients.txt"
# Nothing that is watched flows into handles of iterators, queues, readers and tables; calls are differentiated as functions are; the
# frames of TensorFlow 1 become If and While when a graph is imported; ArgMax has a gradient that is None.
OTHERWISE = (
    "IteratorGetNext",
    "Queue",
    "Reader",
    "Table",
    "Placeholder",
    "HostConst",
    "StridedSliceAssign",
)
CALLS = {"EagerPyFunc", "PartitionedCall", "StatefulPartitionedCall"}
FRAMES = {"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"}
FRAMES |= {"RefEnter", "RefExit", "RefMerge", "RefNextIteration", "RefSwitch"}
WITH_NONE = {"ArgMax", "ArgMin"}
# TensorFlow compiles the first by XLA alone, gives its products and convolutions no gradient, and runs the others on GPUs alone.
ELSEWHERE = {"XlaDynamicSlice", "XlaDynamicUpdateSlice", "XlaOptimizationBarrier"}
ELSEWHERE |= {"XlaConvV2", "XlaDotV2"}
ELSEWHERE |= {"CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"}
OURS = {"KeyPositions", "PackedDequantize", "PackedGather", "PackedMatMul", "RoundToBfloat16"}
OURS |= {"TreeEnsemble"}
# Second derivatives that TensorFlow lacks (docs/differences.md).
OURS |= {"SoftsignGrad"}


def kind(op):
    if not op.differentiable:
        return "none"
    return "yes" if op.has_gradient else "missing"


def test_the_same_ops_have_gradients():
    table = dict(line.split() for line in TABLE.read_text().splitlines())
    apart = CALLS | FRAMES | WITH_NONE | ELSEWHERE | OURS
    different = {
        name: (kind(op), table.get(name, "missing"))
        for name, op in registry.load_all().items()
        if name not in apart
        and not op.__module__.startswith(registry.OF_PACKAGES)
        and not any(part in name for part in OTHERWISE)
        and kind(op) != table.get(name, "missing")
    }
    assert not different
