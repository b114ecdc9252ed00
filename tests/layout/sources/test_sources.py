"""Facts are asked once of a file, until it or their module changes."""

from tests.layout.sources import FACTS, Question, SourceFile, Tree
from tests.layout.sources.imports import imports


def names_and_calls(monkeypatch):
    """A fact, registered alone, and the paths of the files that it was asked of."""
    asked = []

    def names(file: SourceFile) -> list[str]:
        asked.append(file.path)
        return [node.name for node in file.tree.body]

    about = Question(names, ("penstock/",))
    monkeypatch.setattr("tests.layout.sources.FACTS", {about.name: about})
    return about, asked


def test_facts_are_kept_for_files_that_stay(plant, monkeypatch, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    about, asked = names_and_calls(monkeypatch)
    first = plant({"penstock/a.py": "def f(): pass\n", "penstock/b.py": "", "tests/c.py": ""})
    assert Tree(first.root, store).facts(about) == {"penstock/a.py": ["f"], "penstock/b.py": []}
    plant({"penstock/b.py": "def g(): pass\n"})
    found = Tree(first.root, store).facts(about, "penstock")
    assert found == {"a.py": ["f"], "b.py": ["g"]}
    assert asked == ["penstock/a.py", "penstock/b.py", "penstock/b.py"]


def test_facts_of_another_version_are_asked_again(plant, monkeypatch, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    about, asked = names_and_calls(monkeypatch)
    root = plant({"penstock/a.py": ""}).root
    Tree(root, store).facts(about)
    about.version = "another"
    Tree(root, store).facts(about)
    assert asked == ["penstock/a.py"] * 2


def test_without_a_store_nothing_is_written(plant, monkeypatch, tmp_path):
    about, _ = names_and_calls(monkeypatch)
    tree = plant({"penstock/a.py": "def f(): pass\n"})
    assert tree.facts(about) == {"penstock/a.py": ["f"]}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.py"]


def test_rules_register_their_facts(tree):
    assert FACTS[imports.name] is imports and tree.facts(imports)
