"""The page of a report: what belongs together is linked both ways, and it works in a browser."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

import penstock as tf
from penstock._src.compiler.explain.page import build
from penstock._src.compiler.explain.page.build import page
from penstock._src.compiler.explain.page.layout import drawing

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on PATH (apt install chromium)"
)
# Run after the page's own script: clicks, and writes down what is highlighted.
CLICKS = """
<pre id="outcome"></pre><script>
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
const lit = () => [...document.querySelectorAll(".on")].map((item) => item.id).filter(Boolean);
const click = (id) => { document.getElementById(id).dispatchEvent(new MouseEvent("click")); return lit(); };
const press = (key) => { document.dispatchEvent(new KeyboardEvent("keydown", { key })); return lit(); };
const hover = (id, kind) => { document.getElementById(id).dispatchEvent(new MouseEvent(kind)); return lit(); };
const found = {};
for (const item of document.querySelectorAll(".item")) { found[item.id] = click(item.id); click(item.id); }
found.hover = hover("k1", "mouseenter");
found.left = hover("k1", "mouseleave");
found.held = click("k1");
found.released = press("Escape");
found.errors = errors;
document.getElementById("outcome").textContent = JSON.stringify(found);
</script></body>"""


@tf.function
def step(x, y, w):
    with tf.GradientTape() as tape:
        tape.watch(w)
        logits = tf.nn.relu(x @ w)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        loss = tf.reduce_mean(loss)
    text = tf.strings.as_string(loss)
    return tape.gradient(loss, w), tf.strings.length(text)


@pytest.fixture(scope="module")
def report():
    return step.explain(tf.ones([32, 64]), tf.zeros([32], tf.int32), tf.ones([64, 10]), time=True)


class Ids(HTMLParser):
    """The ids of a page, what its items are, and what it would load."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.items, self.loaded, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if "item" in (attrs.get("class") or "").split():
            self.items.append(attrs["id"])
        self.loaded += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def links_of(text):
    found = json.loads(re.search(r'id="links">(.*?)</script>', text).group(1))
    return {name: others.split() for name, others in found.items()}


@pytest.fixture(scope="module")
def saved(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    report.save(path)
    return path


def test_links_resolve_both_ways(saved):
    text = saved.read_text(encoding="utf-8")
    seen, links = Ids(text), links_of(text)
    assert len(seen.ids) == len(set(seen.ids))
    assert not seen.open
    assert set(links) <= set(seen.items)
    for name, others in links.items():
        for other in others:
            assert name in links[other], (name, other)


def test_nothing_comes_from_outside(saved):
    text = saved.read_text(encoding="utf-8")
    assert not Ids(text).loaded
    assert not re.findall(r"https?://|@import|url\(", text)


@pytest.mark.plain_kernels
def test_every_kernel_leads_to_source_and_primitives(saved, report):
    links = links_of(saved.read_text(encoding="utf-8"))
    for kernel in report.kernels:
        linked = links[f"k{kernel.number}"]
        operations = [name for name in linked if name[0] == "o"]
        assert operations and any(name[0] == "s" for op in operations for name in links[op])
        assert any(name[0] == "p" for name in linked) and any(name[0] == "t" for name in linked)


def test_host_operations_are_on_it(saved):
    text = saved.read_text(encoding="utf-8")
    links = links_of(text)
    assert {name[0] for name in links} == set("sopkht")
    assert "AsString has no lowering" in text


def test_source_is_escaped():
    @tf.function
    def f(x):
        return x + 1.0  # </pre><script>

    text = page(f.explain(tf.ones([4])).known)
    assert "</pre><script>" not in text and "# &lt;/pre&gt;&lt;script&gt;" in text


def test_operations_are_drawn_below_what_they_read():
    reads = {"a": [], "b": ["a"], "weight": [], "c": ["b", "weight"], "d": ["a", "c"], "alone": []}
    drawn = drawing(reads)
    assert set(drawn.places) == set(reads) and len(set(drawn.places.values())) == len(reads)
    assert sorted(drawn.edges) == [("a", "b"), ("a", "d"), ("b", "c"), ("c", "d"), ("weight", "c")]
    rows = {name: y for name, (_, y) in drawn.places.items()}
    assert all(rows[start] < rows[end] for start, end in drawn.edges)
    assert rows["weight"] == rows["b"]  # beside what it is used with


def test_notebooks_show_the_page(report):
    text = report._repr_html_()
    assert text.startswith("<iframe") and "&lt;!DOCTYPE html&gt;" in text


def test_notebooks_show_large_functions_in_short(report, monkeypatch):
    monkeypatch.setattr(build, "MOST_OPERATIONS", 3)
    text = html.unescape(report._repr_html_().partition('srcdoc="')[2])
    seen, links = Ids(text.removesuffix('"></iframe>')), links_of(text)
    assert {name[0] for name in seen.items} == set("skht") and {name[0] for name in links} == set(
        "sokht"
    )
    assert "save(path) writes has the operations and primitives" in text
    whole = page(report.known)
    assert {name[0] for name in Ids(whole).items} == set("sopkht") and "save(path)" not in whole


def test_a_function_of_many_kernels_and_none():
    @tf.function
    def deep(x):
        for _ in range(50):
            x = tf.nn.softmax(x) @ x
        return x

    Ids(deep.explain(tf.ones([16, 16]))._repr_html_())
    Ids(tf.function(lambda: tf.constant(1.0)).explain()._repr_html_())


def shown_in_chromium(text, folder):
    """The document that Chromium makes of a page, and what it logs."""
    path = folder / "shown.html"
    path.write_text(text, encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={folder}", "--virtual-time-budget=5000", "--dump-dom"]
    ran = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=100)
    assert "CONSOLE" not in ran.stderr, ran.stderr
    return ran.stdout


@needs_chromium
def test_clicks_highlight_in_a_browser(saved, tmp_path):
    text = saved.read_text(encoding="utf-8")
    shown = shown_in_chromium(text.replace("</body>", CLICKS), tmp_path)
    outcome = re.search(r'<pre id="outcome">(.*?)</pre>', shown, re.S).group(1)
    found, links = json.loads(html.unescape(outcome)), links_of(text)
    assert found["errors"] == [] and found["left"] == [] and found["released"] == []
    assert set(found["hover"]) == set(found["held"]) == set(found["k1"])
    for name, others in links.items():
        assert {name, *others} <= set(found[name])
    for name in links:
        if name[0] == "s":  # a line leads to its kernels, and a kernel to its lines
            for kernel in (other for other in found[name] if other[0] == "k"):
                assert name in found[kernel]


@needs_chromium
@pytest.mark.parametrize("color, theme", [("#111111", "dark"), ("#ffffff", "light")])
def test_a_frame_has_the_theme_of_its_notebook(report, tmp_path, color, theme):
    copied = "document.title = document.querySelector('iframe').contentDocument.documentElement.dataset.theme"
    notebook = f"<body style='background:{color}'><div>{report._repr_html_()}</div>"
    notebook += f"<title></title><script>window.onload = () => {{ {copied} }}</script></body>"
    assert f"<title>{theme}</title>" in shown_in_chromium(notebook, tmp_path)
