"""What the real TensorBoard shows in a browser of the logs that Penstock wrote."""

import re

import pytest

from tests.interop.board.browser import WAIT_MS, colors, eventually, shows

driver = pytest.importorskip(
    "playwright.sync_api", reason="TensorBoard's pages need `pip install playwright`"
)
expect = driver.expect
expect.set_options(timeout=WAIT_MS)

WEIGHTS = {"sequential/dense_one/bias/histogram", "sequential/dense_one/kernel/histogram"}
LENGTH = "e => new Promise(done => { e.onloadedmetadata = () => done(e.duration); e.load() })"


def draws_line(card, count, line=".line-plot path"):
    """Whether a card's chart, which draws only while it is in view, shows a line of so many points."""

    def drawn():
        card.scroll_into_view_if_needed()
        path = card.locator(line).first.get_attribute("d") or ""
        return len(re.findall("[ML]", path)) == count

    return eventually(drawn)


def test_time_series(tab):
    tab.open("timeseries")
    card = tab.page.locator("scalar-card").first
    rows = card.locator("tb-data-table-content-row")
    expect(rows).to_have_text([re.compile(r"trials/one\s*0.75"), re.compile(r"trials/two\s*0.5")])
    tags = tab.page.locator("metrics-card-group-toolbar")
    expect(tags).to_contain_text(["accuracy", "loss", "picture", "red", "weights"])
    assert eventually(lambda: len(colors(card.locator("line-chart"))) > 2)


def test_scalars(tab):
    tab.open("scalars")
    tab.page.get_by_text("Ignore outliers").click()  # which may leave out lines of two points
    tab.expand(6)
    cards = tab.cards("tf-scalar-card", 6)
    training = {"epoch_learning_rate", "epoch_loss"}
    assert set(cards) == training | {"accuracy", "loss/train", "mean_1", "points"}
    lines = {"loss/train": 4, "epoch_loss": 2}
    for tag, steps in lines.items():
        assert draws_line(cards[tag], steps)


def test_histograms(tab):
    tab.open("histograms")
    tab.expand(3)
    cards = tab.cards("tf-histogram-loader", 4)
    assert set(cards) == WEIGHTS | {"values", "weights"}
    expect(cards["weights"].locator("g.histogram path")).to_have_count(4)  # steps


def test_distributions(tab):
    tab.open("distributions")
    tab.expand(3)
    cards = tab.cards("tf-distribution-loader", 4)
    assert set(cards) == WEIGHTS | {"values", "weights"}
    assert draws_line(cards["weights"], 4, "path.line")
    expect(cards["weights"].locator("path.line")).to_have_count(8)  # percentiles


def test_images(tab):
    tab.open("images")
    cards = tab.cards("tf-image-loader", 2)
    images = {name: card.locator("img") for name, card in cards.items()}
    expect(images["red"]).to_have_js_property("naturalWidth", 8)
    assert eventually(lambda: colors(images["red"]) == {(255, 0, 0)})
    stripes = images["picture/image/0"]
    expect(stripes).to_have_js_property("naturalWidth", 5)
    assert eventually(lambda: colors(stripes) == {(51,) * 3, (153,) * 3, (255,) * 3})


def test_audio(tab):
    tab.open("audio")
    cards = tab.cards("tf-audio-loader", 2)
    seconds = {name: card.locator("audio").evaluate(LENGTH) for name, card in cards.items()}
    assert seconds == {"tone": 0.1, "sound/audio/0": 0.0125}


def test_text(tab):
    tab.open("text")
    tab.expand(3)
    cards = tab.cards("tf-text-loader", 3)
    expect(cards["words"].locator("h1")).to_have_text("Title")
    expect(cards["words"].locator("em")).to_have_text("text")
    expect(cards["table"].locator("td")).to_have_text(list("abcd"))
    expect(cards["note"].locator("td")).to_have_text(["hello"])


def choose_graph(tab, run, tag=None, kind=None):
    """Chooses a graph by the menus of the page, which opens with a run's that has no operations."""
    for menu, name in enumerate((run, tag)):
        if name:
            tab.page.locator("tf-graph-controls paper-dropdown-menu").nth(menu).click()
            tab.page.locator("tf-graph-controls paper-item:visible", has_text=name).click()
    if kind:
        tab.page.locator("tf-graph-controls paper-radio-button", has_text=kind).click()


def node(tab, name):
    return tab.page.locator(f"tf-graph-scene g.node[data-name='{name}']")


@pytest.mark.parametrize("tag", [None, "forward"])
def test_graph_of_a_function(tab, tag):
    tab.open("graphs")
    choose_graph(tab, "graphs", tag)
    node(tab, "inner").dblclick()
    for name in ("x", "inner/matmul", "inner/Relu", "Identity"):
        expect(node(tab, name)).to_be_visible()


def test_graph_with_run_metadata(tab):
    tab.open("graphs")
    choose_graph(tab, "sessions", "step5", "Profile")
    tab.page.locator("tf-graph-controls paper-radio-button", has_text="Compute time").click()
    tab.page.locator("tf-graph-node-search input").fill("layer/MatMul")
    tab.page.locator("#search-results").get_by_text("layer/MatMul").click()
    expect(node(tab, "layer/MatMul")).to_be_visible()
    stats = tab.page.locator("tf-node-info")
    expect(stats.get_by_text("Compute Time")).to_be_visible()
    expect(stats.get_by_text(re.compile(r"^\s*[1-9]\d* .s\s*$"))).to_be_visible()


def test_graph_of_a_keras_model(tab):
    tab.open("graphs")
    choose_graph(tab, "fits/train", kind="Conceptual")
    node(tab, "sequential").dblclick()
    expect(node(tab, "sequential/dense_one")).to_be_visible()


def test_hparams(tab):
    tab.open("hparams")
    cells = tab.page.locator("tf-hparams-table-view vaadin-grid-cell-content:not(:empty)")
    heads = ["Trial ID", "Show Metrics", "optimizer", "rate", "Accuracy"]
    rows = ["one", "", "adam", "0.10000", "0.75000", "two", "", "sgd", "0.010000", "0.50000"]
    expect(cells.filter(visible=True)).to_have_text(heads + rows)
    tab.page.get_by_text("Parallel coordinates view").click()
    trials = tab.page.locator("tf-hparams-parallel-coords-plot g.foreground path")
    expect(trials).to_have_count(2)


def test_projector(tab):
    tab.open("projector")
    frame = tab.page.frame_locator("iframe").frame_locator("iframe")
    expect(frame.get_by_text("Points: 5")).to_be_visible()
    search = frame.locator("vz-projector-input input:visible").last
    search.fill("point 3")
    search.press("Enter")
    expect(frame.get_by_text("1 matches.")).to_be_visible()
    neighbors = frame.locator("vz-projector-inspector-panel .nn-list")
    expect(neighbors).to_contain_text(re.compile("point 4.*point 2.*point 1.*point 0", re.DOTALL))
    assert eventually(lambda: len(colors(frame.locator("#scatter canvas").first)) > 10)


def test_precision_and_recall(tab):
    tab.open("pr_curves")
    cards = tab.cards("tf-pr-curve-card", 1)
    assert draws_line(cards["quality"], 4)
    expect(cards["quality"]).to_contain_text("step 2")


def test_meshes(tab):
    tab.open("mesh")
    canvas = tab.page.locator("tf-mesh-loader canvas").first
    canvas.wait_for()
    corners = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert eventually(lambda: all(shows(canvas, color) for color in corners))


def test_profile(tab):
    pytest.importorskip("xprof", reason="TensorBoard's profile page needs xprof")
    tab.open("profile")
    frame = tab.page.frame_locator("iframe")
    expect(frame.get_by_text("Performance Summary")).to_be_visible()
    frame.locator("mat-select").nth(1).click()
    frame.locator("mat-option", has_text="Trace Viewer").click()
    trace = frame.frame_locator("iframe")
    expect(trace.get_by_text("MainThread")).to_be_visible()
    expect(trace.locator(".process-track-name")).to_contain_text("/host:CPU")
    trace.locator("input:visible").first.fill("train")
    expect(trace.get_by_text("of 3")).to_be_visible()
    assert eventually(lambda: len(colors(trace.locator("canvas:visible").first)) > 10)
