"""The page at /: what it says, and what it does in a browser without a window."""

import io
import json
import shutil
import urllib.request

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

import penstock as tf
from penstock._src.serving.models.config import ModelConfig, VersionPolicy
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.serving.kit import HalfPlusTwo, Rest, save

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Colors(tf.Module):
    """How red, green and blue an image is; and the lengths of texts."""

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 12, 3], tf.float32, name="image")])
    def colors(self, image):
        return {"share": tf.nn.softmax(tf.reduce_mean(image, [1, 2]))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def lengths(self, text):
        return {"length": tf.strings.length(text)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    save(HalfPlusTwo(two=3.0), root / "half" / "2")
    colors = Colors()
    signatures = {"serving_default": colors.colors, "lengths": colors.lengths}
    save(colors, root / "colors" / "1", signatures)
    models = (
        ModelConfig("half", str(root / "half"), VersionPolicy("all"), {"stable": 1}),
        ModelConfig("colors", str(root / "colors")),
    )
    with running(Options(models, rest_port=0, grpc_port=-1)) as started:
        yield started


def test_what_the_page_is_told(server):
    rest = Rest(server.rest_port)
    rest("/v1/models/half:predict", {"instances": [1.0]})
    rest("/v1/models/half:predict", {"instances": ["no"]})
    status, state = rest("/page/state")
    colors, half = state["models"]
    assert status == 200 and (colors["name"], half["name"]) == ("colors", "half")
    versions = [(v["number"], v["state"], v["labels"]) for v in half["versions"]]
    assert versions == [(2, "AVAILABLE", []), (1, "AVAILABLE", ["stable"])]
    signature = colors["versions"][0]["signatures"][-1]
    assert signature["inputs"] in (
        [{"name": "image", "dtype": "float32", "shape": [None, 8, 12, 3]}],
        [{"name": "text", "dtype": "string", "shape": [None]}],
    )
    assert half["errors"] == 1 and sum(half["latency"][:-1]) == 2
    assert len(half["latency"]) == len(state["latency_bounds"]) + 2
    assert [len(half["phases"][phase]) for phase in ("queue", "batch", "compute")] == [21] * 3


def test_the_page_may_load_nothing_from_elsewhere(server):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.rest_port}/") as reply:
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")
        text = reply.read().decode()
    assert "http" not in text.replace("http://www.w3.org", "")
    assert Rest(server.rest_port)("/page/..%2f__init__.py")[0] == 404


@pytest.fixture(scope="module")
def browser():
    """Chromium of the system."""
    found = [path for path in map(shutil.which, PROGRAMS) if path]
    if not found:
        pytest.skip("the page needs Chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found[0])
        yield started
        started.close()


@pytest.fixture
def page(browser, server):
    """A tab with the page; the test fails if a script does."""
    tab = browser.new_page()
    tab.set_default_timeout(30_000)
    complaints = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    # What the server refuses is no complaint of the page.
    tab.on(
        "console",
        lambda line: (
            complaints.append(line.text)
            if line.type == "error" and "status of 400" not in line.text
            else None
        ),
    )
    tab.goto(f"http://127.0.0.1:{server.rest_port}/")
    tab.locator("article").nth(1).wait_for()
    yield tab
    tab.close()
    assert not complaints


def test_numbers_are_tried(page):
    half = page.locator("[data-model=half]")
    assert half.locator(".badge").all_inner_texts() == [
        "version 2 · available",
        "version 1 · stable · available",
    ]
    half.locator("textarea").fill("[1.0, 5.0]")
    half.locator("button").click()
    half.locator(".answer pre").wait_for()
    assert half.locator(".answer pre").inner_text() == "y: [3.5,5.5]"
    half.locator(".version").select_option("1")
    assert half.locator("textarea").input_value() == "[0]"
    half.locator("button").click()
    half.locator(".answer pre", has_text="y: [2]").wait_for()
    half.locator(".command summary").click()
    assert "/v1/models/half/versions/1:predict" in half.locator(".command pre").inner_text()
    half.locator(".median", has_text="s").wait_for()  # latency appears
    half.locator("textarea").fill("[1")
    half.locator("button").click()
    half.locator(".answer.failed", has_text="x: ").wait_for()
    half.locator("textarea").fill('["a"]')
    half.locator("button").click()
    half.locator(".answer.failed", has_text="Received a string").wait_for()


def test_an_image_is_tried(page):
    file = io.BytesIO()
    Image.fromarray(np.full((80, 120, 3), (255, 0, 51), np.uint8)).save(file, "PNG")
    colors = page.locator("[data-model=colors]")
    colors.locator("input[type=file]").set_input_files(
        {"name": "red.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    colors.locator(".drop", has_text="red.png, 12 × 8").wait_for()
    colors.locator(".field select").select_option("0 to 1")
    colors.locator("button").click()
    colors.locator(".bars").wait_for()
    shares = json.loads(colors.locator(".answer pre").inner_text().removeprefix("share: "))
    expected = np.exp([1, 0, 0.2]) / np.exp([1, 0, 0.2]).sum()
    np.testing.assert_allclose(shares[0], expected, rtol=1e-5)
    assert colors.locator(".bars span").first.inner_text() == "share[0]"


def test_text_is_tried(page):
    colors = page.locator("[data-model=colors]")
    colors.locator(".signature").select_option("lengths")
    for typed, expected in (("seven c", "length: [7]"), ('["a", "bc"]', "length: [1,2]")):
        colors.locator("textarea").fill(typed)
        colors.locator("button").click()
        colors.locator(".answer pre", has_text=expected).wait_for()
