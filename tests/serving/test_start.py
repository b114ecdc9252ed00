"""What a server of a SavedModel imports: not the readers of other formats, nor what makes traces that nobody collects."""

import os
import subprocess
import sys

import pytest

from tests.serving.kit import HalfPlusTwo, save

PROGRAM = """
import sys
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.serving.kit import Rest
with running(Options((ModelConfig("half", sys.argv[1]),), rest_port=0, grpc_port=0)) as server:
    rest = Rest(server.rest_port)
    print(*rest("/v1/models/half:predict", {"instances": [2.0]})[1]["predictions"], *sys.modules)
"""
RARE = (
    "opentelemetry",
    "penstock._src.language.model",
    "penstock._src.saving.saved_model.save",
    "penstock._src.trees.model",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("half")
    save(HalfPlusTwo(), root / "1")
    return os.fspath(root)


def test_a_server_of_a_saved_model_imports_no_other_format(folder):
    # The kit imports Penstock; a process of its own shows what else is imported.
    done = subprocess.run([sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True)
    result, *loaded = done.stdout.split()
    assert result == "3.0", done.stderr
    assert not set(RARE) & set(loaded)
