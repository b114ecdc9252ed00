"""Links within the pages lead to pages, headings and pictures that are there; navigation names pages that are there."""

import re

import pytest

from tools.site import navigation, reference

from .blocks import DOCS, ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
PAGES = sorted(DOCS.rglob("*.md"))
OTHERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]


def anchors(path):
    """The ids of a page's headings, as mkdocs makes them."""
    text = _CODE.sub(lambda m: m[0].strip("`") if "\n" not in m[0] else "", path.read_text())
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", t).strip().lower()) for t in titles}


@pytest.mark.parametrize("path", PAGES + OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    text = _CODE.sub("", path.read_text())
    generated = {f"api/{name}" for name in ("index.md", "v1.md")}
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if ":" in target:
            assert target.startswith("https://"), link
            continue
        found = (path.parent / target).resolve() if target else path
        if found.is_relative_to(DOCS) and found.relative_to(DOCS).as_posix() in generated:
            continue
        assert found.is_file(), link
        assert not anchor or anchor in anchors(found), link


def test_the_navigation_names_pages_that_are_there():
    configuration = (ROOT / "mkdocs.yml").read_text()
    pages = re.findall(r"^ +- .+: (\S+\.md)$", configuration, re.MULTILINE)
    assert len(pages) > 20
    for page in pages:
        assert (DOCS / page).is_file(), page


def test_pages_without_a_place_come_at_the_end(tmp_path):
    (tmp_path / "known.md").write_text("# Known\n")
    (tmp_path / "new.md").write_text("# A new page\n")
    nav = [{"Home": "known.md"}, {"Rest": []}, {"Last": []}]
    navigation.add_rest(nav, tmp_path, "Rest")
    assert nav == [{"Home": "known.md"}, {"Rest": [{"A new page": "new.md"}]}, {"Last": []}]


def test_every_picture_is_shown():
    text = "".join(path.read_text() for path in PAGES + OTHERS)
    for picture in (DOCS / "pictures").rglob("*.*"):
        assert picture.name in text, picture.name


def test_the_reference_links_names_to_pages():
    assert reference.link("nn.relu") == "nn.md#relu"
    assert reference.link("matmul") == "linalg.md#matmul"
    assert reference.link("nn") == "nn.md"
    assert reference.link("nn.no_such_name") is None
    assert reference.link("data.AUTOTUNE") == "data.md"
