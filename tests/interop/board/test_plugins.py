"""What TensorBoard's plugins answer about the logs that Penstock wrote: tags and values."""

import io
import re
import time
import wave

import numpy as np
import pytest
from PIL import Image


def numbers(answer):
    return np.frombuffer(answer, np.float32).tolist()


def values(rows):
    """Rows of TensorBoard without their times."""
    return [tuple(row[1:]) for row in rows]


def graph_nodes(board, **query):
    text = board.read("plugin/graphs/graph", **query).decode()
    return dict(re.findall(r'^node \{\n  name: "(.*)"\n(?:  op: "(.*)")?', text, re.MULTILINE))


def test_scalars(board):
    tags = board.ask("plugin/scalars/tags")
    assert tags["summaries"]["loss/train"]["description"] == "<p>How <em>wrong</em></p>"
    assert set(tags["fits/train"]) == {"epoch_loss", "epoch_learning_rate"}
    found = board.ask("plugin/scalars/scalars", run="summaries", tag="loss/train")
    assert values(found) == [(0, 2.0), (1, 1.0), (2, 0.5), (3, 0.25)]
    (mean,) = tags["sessions"]
    assert values(board.ask("plugin/scalars/scalars", run="sessions", tag=mean)) == [(5, 3.0)]


def test_histograms_and_distributions(board):
    tags = board.ask("plugin/histograms/tags")
    assert set(tags) == {"summaries", "sessions", "fits/train"}
    assert "sequential/dense_one/kernel/histogram" in tags["fits/train"]
    found = board.ask("plugin/histograms/histograms", run="summaries", tag="weights")
    assert values(found)[1] == (1, [[0, 1, 1], [1, 2, 1], [2, 3, 1], [3, 4, 1]])
    (old,) = board.ask("plugin/histograms/histograms", run="sessions", tag="values")
    assert sum(count for *_, count in old[2]) == 20_000
    spread = board.ask("plugin/distributions/distributions", run="summaries", tag="weights")
    assert spread[0][2][0] == [0, 0.0] and spread[0][2][-1] == [10000, 8.0]


@pytest.mark.parametrize(
    "run, tag, size, color",
    [
        ("summaries", "red", (8, 6), (255, 0, 0)),
        ("sessions", "picture/image/0", (5, 4), (51,) * 3),
    ],
)
def test_images(board, run, tag, size, color):
    (found,) = board.ask("plugin/images/images", run=run, tag=tag, sample=0)
    query = dict([found["query"].split("=", 1)])
    image = Image.open(io.BytesIO(board.read("plugin/images/individualImage", **query)))
    assert image.size == size and image.convert("RGB").getpixel((1, 1)) == color


@pytest.mark.parametrize(
    "run, tag, frames", [("summaries", "tone", 800), ("sessions", "sound/audio/0", 100)]
)
def test_audio(board, run, tag, frames):
    (found,) = board.ask("plugin/audio/audio", run=run, tag=tag, sample=0)
    key = found["query"].split("&")[0].removeprefix("blob_key=")
    data = board.read("plugin/audio/individualAudio", blob_key=key, content_type="audio/wav")
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, frames)


def test_text(board):
    assert board.ask("plugin/text/tags")["sessions"] == ["note"]
    (words,) = board.ask("plugin/text/text", run="summaries", tag="words")
    assert "<h1>Title</h1>" in words["text"] and "<em>text</em>" in words["text"]
    (table,) = board.ask("plugin/text/text", run="summaries", tag="table")
    assert re.findall("<p>(.)</p>", table["text"]) == list("abcd")


def test_graphs(board):
    info = board.ask("plugin/graphs/info")
    assert info["graphs"]["run_graph"] and info["graphs"]["tags"]["forward"]["op_graph"]
    assert info["sessions"]["tags"]["step5"]["profile"]
    expected = {"inner/matmul": "MatMul", "inner/Relu": "Relu"}
    assert graph_nodes(board, run="graphs", conceptual="false").items() >= expected.items()
    traced = graph_nodes(board, run="graphs", tag="forward", conceptual="false")
    assert traced.items() >= expected.items()
    layers = graph_nodes(board, run="fits/train", tag="keras", conceptual="true")
    assert "sequential/dense_one" in layers


def test_run_metadata(board):
    text = board.read("plugin/graphs/run_metadata", run="sessions", tag="step5").decode()
    assert 'node_name: "layer/MatMul"' in text and 'node_name: "layer/y"' in text
    assert re.search(r"all_end_rel_nanos: [1-9]", text)


def test_hparams(board):
    experiment = board.ask("plugin/hparams/experiment", {"experimentName": ""})
    domains = {one["name"]: one["domainDiscrete"] for one in experiment["hparamInfos"]}
    assert domains == {"rate": [0.01, 0.1], "optimizer": ["adam", "sgd"]}
    request = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_RUNNING", "STATUS_SUCCESS"],
        "colParams": [{"metric": {"tag": "accuracy", "group": ""}}],
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = board.ask("plugin/hparams/session_groups", request)["sessionGroups"]
    found = {one["name"]: (one["hparams"], one["metricValues"][0]["value"]) for one in groups}
    assert found == {
        "one": ({"rate": 0.1, "optimizer": "adam"}, 0.75),
        "two": ({"rate": 0.01, "optimizer": "sgd"}, 0.5),
    }


def test_projector(board):
    end = time.time() + 60
    while not board.ask("plugin/projector/runs"):  # it looks for them in a thread
        assert time.time() < end
        time.sleep(0.2)
    (run,) = board.ask("plugin/projector/runs")
    (embedding,) = board.ask("plugin/projector/info", run=run)["embeddings"]
    name = embedding["tensorName"]
    points = board.read("plugin/projector/tensor", run=run, name=name)
    assert numbers(points) == list(range(20)) and embedding["tensorShape"] == [5, 4]
    labels = board.read("plugin/projector/metadata", run=run, name=name).decode()
    assert labels.split("\n")[:2] == ["point 0", "point 1"]


def test_precision_and_recall(board):
    assert board.ask("plugin/pr_curves/tags")["curves"]["quality/pr_curves"]["displayName"]
    found = board.ask("plugin/pr_curves/pr_curves", run="curves", tag="quality/pr_curves")
    (curve,) = found["curves"]
    assert curve["step"] == 2 and curve["recall"] == [1, 1, 0.5, 0.5]
    np.testing.assert_allclose(curve["precision"], [0.5, 2 / 3, 0.5, 1])


def test_meshes(board):
    parts = board.ask("plugin/mesh/meshes", run="meshes", tag="triangle", sample=0)
    shapes = {part["content_type"]: part["data_shape"] for part in parts}
    assert shapes == {1: [1, 3, 3], 2: [1, 1, 3], 3: [1, 3, 3]}
    query = {"run": "meshes", "tag": "triangle", "sample": 0, "step": 1}
    corners = board.read("plugin/mesh/data", content_type="VERTEX", **query)
    assert numbers(corners) == [0, 0, 0, 1, 0, 0, 0, 1, 0]


def test_profile(board):
    pytest.importorskip("xprof", reason="TensorBoard's profile page needs xprof")
    (run,) = board.ask("plugin/profile/runs")

    def data(tool):
        (host,) = board.ask("plugin/profile/hosts", run=run, tag=tool)
        return board.ask("plugin/profile/data", run=run, tag=tool, host=host["hostname"])

    trace = data("trace_viewer@")
    names = [event["name"] for event in trace["traceEvents"] if event["ph"] == "X"]
    assert {"train 0", "train 1", "train 2", "nest[] reduce"} <= set(names)
    assert 0 <= trace["fullTimespan"][0] < trace["fullTimespan"][1] < 60_000  # milliseconds
    rows = [[cell.get("v") for cell in row["c"]] for row in data("framework_op_stats")[0]["rows"]]
    times = {row[2]: row[4:6] for row in rows}  # type -> calls, microseconds
    assert times["Sum"][0] == 3 and times["Sum"][1] > 0
    assert any("MatMul" in kind and time > 0 for kind, (_, time) in times.items())
    steps = data("input_pipeline_analyzer")[1]["rows"]
    assert [step["c"][0]["v"] for step in steps] == ["train 0", "train 1", "train 2"]
