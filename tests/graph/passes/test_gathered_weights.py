"""Where weights that are held in parts are gathered in a graph."""

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.passes.unused_results import operations_to_run
from penstock._src.ops.collective.weights import read_whole

PACK = 4 * 16  # bytes of one weight


def planned(build, pack_bytes=PACK):
    """The types of the operations that a graph runs and, of gathers, how many weights they gather; names of casts are in order.

    `build(x, read, parts)` gives the outputs; `read(n)` reads weight n.
    """
    graph = FuncGraph("step")
    parts = [tf.Variable(tf.zeros([8])) for _ in range(3)]

    def read(n):
        part = raw.ReadVariableOp(parts[n]._handle, dtype=tf.float32)
        whole = {"output_shape": tf.TensorShape([4, 4]), "size": 2, "pack_bytes": pack_bytes}
        return read_whole(resource=parts[n]._handle, part=part, name="whole", **whole)

    with graph.as_default():
        x = graph.placeholder(tf.float32, tf.TensorShape([4, 4]), "x")
        outputs = build(x, read, parts)
    effects = [
        op for op in graph._operations if op.raw_op.stateful and not op.raw_op.effects.reads_only
    ]
    ops = operations_to_run(graph, [x, *graph.inputs], outputs, effects)
    made = {t._id for op in ops for t in op._outputs} | {t._id for t in [x, *graph.inputs]}
    assert all(t._id in made for op in ops for t in op._inputs)

    def gather(op):
        travels_as = op._outputs[0].dtype
        narrow = "" if travels_as is tf.float32 else f" as {travels_as.name}"
        return f"gather {len(op._inputs)}{narrow}"

    counts = {"_GatherParts": gather}
    shown = {"MatMul": "product", "AssignVariableOp": "assign", "Cast": "cast"}
    names = [counts.get(op.type, lambda op: shown.get(op.type))(op) for op in ops]
    return [name for name in names if name]


def trained(x, read, parts):
    """Three layers and their gradients."""
    with tf.GradientTape() as tape:
        tape.watch([part._handle for part in parts])
        for n in range(3):
            x = raw.Tanh(x=raw.MatMul(a=x, b=read(n)))
    return [g for g in tape.gradient(x, [part._handle for part in parts]) if g is not None]


def test_each_pass_gathers_one_weight_ahead():
    gather, product = "gather 1", "product"
    forward = [gather, gather, product, gather, product, gather, product]
    # The backward pass multiplies by the last weight, which is still there, then by the second; the first needs no gradient of its input.
    assert planned(trained)[: len(forward)] == forward
    assert planned(trained).count(gather) == 3 + 1


def test_small_weights_travel_together_within_a_pass():
    names = planned(trained, pack_bytes=3 * PACK)
    assert [name for name in names if "gather" in name] == ["gather 3", "gather 1"]
    assert names[0] == "gather 3"


def test_a_weight_is_gathered_anew_after_it_was_assigned():
    def build(x, read, parts):
        y = raw.MatMul(a=x, b=read(0))
        raw.AssignVariableOp(parts[0]._handle, tf.ones([8]))
        return [raw.MatMul(a=y, b=read(0))]

    assert planned(build, 9 * PACK) == ["gather 1", "product", "assign", "gather 1", "product"]


def test_casts_of_a_weight_are_computed_for_each_pass():
    def build(x, read, parts):
        with tf.GradientTape() as tape:
            tape.watch(parts[0]._handle)
            for n in range(3):
                x = raw.MatMul(
                    a=x, b=raw.Cast(x=raw.Cast(x=read(n), DstT=tf.half), DstT=tf.float32)
                )
        return tape.gradient(x, [parts[0]._handle])

    names = planned(build, PACK // 2)
    # They travel as halfs. The second weight is gathered anew, and cast; two more casts are the gradients of the first's.
    assert names.count("gather 1 as float16") == 3 + 1 and names.count("cast") == 3 + 1 + 2
    assert planned(build, PACK)[0] == "gather 2 as float16"


def test_a_weight_that_is_also_taken_as_it_is_travels_as_it_is():
    def build(x, read, parts):
        weight = read(0)
        narrow = raw.Cast(x=weight, DstT=tf.bfloat16)
        return [raw.MatMul(a=raw.Cast(x=x, DstT=tf.bfloat16), b=narrow), raw.MatMul(a=x, b=weight)]

    assert planned(build) == ["gather 1", "cast", "cast", "product", "product"]


def test_equal_casts_of_a_weight_are_one_and_others_are_none():
    def build(x, read, parts):
        weight, other = read(0), read(1)
        narrow = [raw.Cast(x=weight, DstT=tf.bfloat16) for _ in range(2)]
        wider = [raw.Cast(x=other, DstT=dtype) for dtype in (tf.bfloat16, tf.half, tf.float64)]
        return [raw.MatMul(a=narrow[0], b=narrow[1]), *wider]

    assert sorted(planned(build)) == [*["cast"] * 3, "gather 1", "gather 1 as bfloat16", "product"]


def test_what_the_caller_reads_is_gathered_and_what_nobody_reads_is_not():
    def build(x, read, parts):
        read(1)
        return [read(0), x]

    assert planned(build) == ["gather 1"]
