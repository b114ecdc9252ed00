"""tf.debugging.experimental.enable_dump_debug_info: what TensorBoard's Debugger V2 reads.

The records were held against those that TensorFlow 2.21 writes of the same program, as its own reader shows them.
"""

import numpy as np
import pytest

import penstock as tf
from penstock._src.observe.debug_events.messages import DebugEvent
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.util.files.records import read_records

experimental = tf.debugging.experimental


@pytest.fixture(autouse=True)
def _no_dump_stays():
    yield
    experimental.disable_dump_debug_info()


def events(folder, suffix):
    (path,) = folder.glob(f"tfdbg_events.*.{suffix}")
    with open(path, "rb") as file:
        records = [DebugEvent.FromString(data) for data in read_records(file, str(path))]
    return [getattr(event, event.WhichOneof("what")) for event in records]


def dumped(folder, program, mode="NO_TENSOR", **options):
    experimental.enable_dump_debug_info(str(folder), mode, circular_buffer_size=0, **options)
    program()
    experimental.disable_dump_debug_info()


def values(folder, suffix="execution"):
    if suffix == "execution":
        return {
            e.op_type: [from_proto(proto).tolist() for proto in e.tensor_protos]
            for e in events(folder, suffix)
        }
    return {e.op_name: from_proto(e.tensor_proto).tolist() for e in events(folder, suffix)}


def logarithm():
    tf.math.log(tf.constant([1.0, 0.0, -1.0, 4.0]))


# Of log [1, 0, -1, 4] = [0, -inf, nan, 1.39], as TensorFlow 2.21 dumps it.
SUMMARIES = {
    "CURT_HEALTH": [-1, 1],
    "CONCISE_HEALTH": [-1, 4, 1, 0, 1],
    "FULL_HEALTH": [-1, -1, 1, 1, 4, 1, 0, 1, 0, 1, 1],
    "SHAPE": [-1, 1, 1, 4, 4, 0, 0, 0, 0, 0],
}


@pytest.mark.parametrize("mode", SUMMARIES)
def test_results_are_summarized(tmp_path, mode):
    dumped(tmp_path, logarithm, mode)
    assert values(tmp_path)["Log"] == [SUMMARIES[mode]]


def test_all_values_are_dumped(tmp_path):
    dumped(tmp_path, logarithm, "FULL_TENSOR")
    (result,) = values(tmp_path)["Log"]
    np.testing.assert_allclose(result, [0, -np.inf, np.nan, np.log(4)], rtol=1e-6)


def test_no_tensor_is_dumped(tmp_path):
    dumped(tmp_path, logarithm)
    (execution,) = (e for e in events(tmp_path, "execution") if e.op_type == "Log")
    assert execution.num_outputs == 1 and not execution.tensor_protos
    assert len(execution.input_tensor_ids) == len(execution.output_tensor_ids) == 1


@tf.function
def halve_until_small(x):
    while tf.reduce_max(x) > 1.0:
        x = x / 2.0
    return tf.math.log(x)


def test_functions_dump_their_tensors_at_each_run_and_step(tmp_path):
    def program():
        for _ in range(2):
            halve_until_small(tf.constant([4.0, 0.0]))

    dumped(tmp_path, program, "CONCISE_HEALTH")
    traces = events(tmp_path, "graph_execution_traces")
    divisions = [t for t in traces if t.op_name.endswith("truediv")]
    assert len(divisions) == 4  # two runs of two steps
    logs = [from_proto(t.tensor_proto)[1:].tolist() for t in traces if t.op_name == "Log"]
    assert logs == [[2, 1, 0, 0]] * 2


def test_graphs_are_dumped_with_those_around_them(tmp_path):
    branches = tf.function(lambda x: tf.cond(x > 0, lambda: x, lambda: -x))
    dumped(tmp_path, lambda: branches(tf.constant(1.0)))
    graphs = [e for e in events(tmp_path, "graphs") if type(e).__name__ == "DebuggedGraph"]
    by_id = {graph.graph_id: graph for graph in graphs}
    branch = next(e for e in events(tmp_path, "graphs") if getattr(e, "op_type", "") == "Neg")
    around = by_id[branch.graph_id]
    while around.outer_context_id:
        around = by_id[around.outer_context_id]
    assert len(by_id) == len(graphs) and not around.graph_name
    (call,) = (e for e in events(tmp_path, "execution") if "inference" in e.op_type)
    assert by_id[call.graph_id].graph_name == "<lambda>"


def test_lines_of_source_are_named(tmp_path):
    dumped(tmp_path, logarithm)
    files = events(tmp_path, "source_files")
    frames = {f.id: f.file_line_col for f in events(tmp_path, "stack_frames")}
    (execution,) = (e for e in events(tmp_path, "execution") if e.op_type == "Log")
    frame = frames[execution.code_location.stack_frame_ids[-1]]
    source = files[frame.file_index]
    assert source.file_path == __file__ and frame.func == "logarithm"
    assert "tf.math.log" in source.lines[frame.line - 1]


def test_types_of_ops_and_results_are_chosen(tmp_path):
    def program():
        tf.range(3) + 1
        tf.constant([1.0]) + 1.0
        logarithm()

    def of(name, **options):
        dumped(tmp_path / name, program, "FULL_TENSOR", **options)
        executions = events(tmp_path / name, "execution")
        return [e.op_type for e in executions if e.tensor_protos]

    assert of("ops", op_regex="^Log$") == ["Log"]
    assert set(of("types", tensor_dtypes=["int32"])) == {"Range", "AddV2"}
    assert of("both", op_regex="AddV2", tensor_dtypes=lambda dtype: dtype.is_integer) == ["AddV2"]


def test_buffers_keep_the_latest_events_until_they_are_flushed(tmp_path):
    writer = experimental.enable_dump_debug_info(str(tmp_path), circular_buffer_size=2)
    for _ in range(3):
        logarithm()
    assert events(tmp_path, "execution") == []
    writer.FlushExecutionFiles()
    assert [e.op_type for e in events(tmp_path, "execution")] == ["Log", "Log"]
    writer.FlushExecutionFiles()
    assert len(events(tmp_path, "execution")) == 2


def test_traced_functions_run_after_the_dump(tmp_path):
    function = tf.function(lambda x: x * 2.0)
    dumped(tmp_path, lambda: function(tf.constant(3.0)), "FULL_TENSOR")
    count = len(events(tmp_path, "graph_execution_traces"))
    assert function(tf.constant(4.0)).numpy() == 8.0
    assert len(events(tmp_path, "graph_execution_traces")) == count > 0


def test_gradients_flow_through_functions_that_are_dumped(tmp_path):
    x = tf.Variable([1.0, 2.0])

    def program():
        with tf.GradientTape() as tape:
            y = tf.function(lambda: tf.reduce_sum(x * x))()
        np.testing.assert_array_equal(tape.gradient(y, x), [2.0, 4.0])

    dumped(tmp_path, program, "FULL_HEALTH")
    assert values(tmp_path, "graph_execution_traces")["Sum"][3:5] == [0, 1]


def test_a_folder_takes_several_dumps(tmp_path):
    for _ in range(2):
        dumped(tmp_path, logarithm)
    paths = sorted(tmp_path.glob("*.execution"))
    sizes = [path.stat().st_size for path in paths]
    assert len(sizes) == 2 and sizes[0] == sizes[1] > 0


def test_another_folder_goes_on_with_all_that_it_needs(tmp_path):
    experimental.enable_dump_debug_info(str(tmp_path / "first"), circular_buffer_size=0)
    writer = experimental.enable_dump_debug_info(str(tmp_path / "second"), circular_buffer_size=0)
    logarithm()
    writer.FlushNonExecutionFiles()
    writer.FlushExecutionFiles()
    known = {f.id for f in events(tmp_path / "second", "stack_frames")}
    (execution,) = events(tmp_path / "second", "execution")
    assert known.issuperset(execution.code_location.stack_frame_ids)


def test_wrong_arguments_are_refused(tmp_path):
    enable = experimental.enable_dump_debug_info
    with pytest.raises(ValueError, match="Invalid value in tensor_debug_mode"):
        enable(str(tmp_path), "NONSENSE")
    with pytest.raises(NotImplementedError, match="FULL_NUMERICS"):
        enable(str(tmp_path), "FULL_NUMERICS")
    with pytest.raises(ValueError, match="tensor_dtypes is expected to be"):
        enable(str(tmp_path), tensor_dtypes="float32")
    with pytest.raises(ValueError, match="Empty or None dump root"):
        enable("")
    enable(str(tmp_path))
    with pytest.raises(ValueError, match="different circular-buffer size"):
        enable(str(tmp_path), circular_buffer_size=1)
    with pytest.raises(ValueError, match="different tensor-debug mode"):
        enable(str(tmp_path), "SHAPE")


def test_folders_without_a_dump_are_not_written_to(tmp_path):
    url = f"file://{tmp_path}/other"
    with pytest.raises(tf.errors.UnimplementedError, match="no debugger"):
        tf.raw_ops.DebugIdentityV2(input=[1.0], debug_urls=[url])
    assert not (tmp_path / "other").exists()
