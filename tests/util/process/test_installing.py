"""Commands that are printed install no stranger's code."""

import importlib.metadata
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


@pytest.mark.parametrize("name", ["penstock", "penstock-run"])
def test_an_installed_distribution_is_named(installed, name):
    installed[name] = installing.SUMMARY
    assert installing.pip_install("keras") == f"pip install '{name}[keras]'"


def test_sources_without_installation_are_named_by_their_path(installed):
    assert installing.pip_install("keras") == f"pip install '{ROOT}[keras]'"


def test_another_project_of_the_name_is_not_ours(installed):
    installed["penstock"] = "Lightweight flow tracing"
    assert installing.installed_name() is None
    assert installing.pip_install("keras") == f"pip install '{ROOT}[keras]'"


def test_files_alone_ask_for_a_wheel(installed, monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "_SOURCES", tmp_path)
    assert installing.pip_install("keras") == "pip install 'PATH/OF/PENSTOCK.whl[keras]'"
