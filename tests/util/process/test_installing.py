"""Commands that are printed install no stranger's code."""

import importlib.metadata
import re
import tomllib
from email.message import Message

import pytest

from penstock._src.util.process import installing
from tests.layout.sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_names_are_those_of_the_project():
    assert (installing.NAME, installing.SUMMARY) == (PROJECT["name"], PROJECT["description"])


@pytest.fixture
def installed(monkeypatch):
    """A dict from the names that pip knows to their summaries."""
    summaries = {}

    def metadata(name):
        if name not in summaries:
            raise importlib.metadata.PackageNotFoundError(name)
        message = Message()
        message["Summary"] = summaries[name]
        return message

    monkeypatch.setattr(importlib.metadata, "metadata", metadata)
    return summaries


@pytest.mark.parametrize("name", installing.NAMES)
def test_an_installed_distribution_is_named(installed, name):
    installed[name] = installing.SUMMARY
    assert installing.pip_install("keras") == f"pip install '{name}[keras]'"


def test_sources_without_installation_are_named_by_their_path(installed):
    assert installing.pip_install("keras") == f"pip install '{ROOT}[keras]'"


def test_another_project_of_the_name_is_not_ours(installed):
    installed[installing.NAME] = "Lightweight flow tracing"
    assert installing.installed_name() is None
    assert installing.pip_install("keras") == f"pip install '{ROOT}[keras]'"


def test_a_reinstallation_is_of_files_and_not_of_a_name(installed):
    installed[installing.NAME] = installing.SUMMARY
    assert installing.pip_reinstall() == f"pip install --force-reinstall '{ROOT}'"


def test_files_alone_ask_for_a_wheel(installed, monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "_SOURCES", tmp_path)
    assert installing.pip_install("keras") == "pip install 'PATH/OF/PENSTOCK.whl[keras]'"


# In a command of pip, or with an extra anywhere: the name that is another project's on PyPI, alone or with `-run`.
FOREIGN = re.compile(
    r"\bpip3? (?:\S+ )*?(?:install|download|wheel)\b[^\n`|&;]*?(?<![\w./*-])penstock(?:-run)?(?![\w./-])"
    r"|(?<![\w-])penstock(?:-run)?\[[a-z]"
)
PLACES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Makefile",
    "pyproject.toml",
)
FOLDERS = ("docs", "examples", "packaging", "penstock", "tools", "bench", ".ci")
KINDS = {".md", ".py", ".toml", ".txt", ".yaml", ".yml", ".ipynb", ".sh", ""}


@pytest.mark.parametrize(
    ("line", "is_foreign"),
    [
        ("pip install penstock", True),
        ("`pip install 'penstock'`", True),
        ("python -m pip install --force-reinstall penstock", True),
        ("pip install penstock==0.1.0 keras", True),
        ("pip install penstock-run", True),
        ("brings what `penstock[all]` names", True),
        ("pip install 'penstock-tensors[keras]'", False),
        ("pip install dist/penstock_tensors-0.1.0-py3-none-any.whl", False),
        ("pip install /src/penstock/dist", False),
        ("pip install tf-keras` beside penstock", False),
    ],
)
def test_a_command_with_the_other_projects_name_is_found(line, is_foreign):
    assert bool(FOREIGN.search(line)) == is_foreign


def test_no_page_or_message_has_a_command_with_the_other_projects_name():
    paths = [ROOT / place for place in PLACES]
    for folder in FOLDERS:
        paths += [p for p in (ROOT / folder).rglob("*") if p.suffix in KINDS and p.is_file()]
    assert len(paths) > 1000
    found = {
        str(path.relative_to(ROOT)): matched[0]
        for path in paths
        if (matched := FOREIGN.search(path.read_text("utf-8", "replace")))
    }
    assert not found
