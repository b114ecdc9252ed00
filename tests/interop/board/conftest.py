"""The logs and the TensorBoard that the tests of this folder share."""

import time

import pytest

from tests.interop.board.server import Board, write_logs

RUNS = {"summaries", "graphs", "sessions", "trials", "trials/one", "trials/two"}
RUNS |= {"embeddings", "curves", "meshes", "fits/train"}


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """The folder of the logs."""
    folder = tmp_path_factory.mktemp("logs")
    write_logs(folder)
    return folder


@pytest.fixture(scope="session")
def board(logs):
    """A TensorBoard that has read the logs."""
    started = Board(logs)
    try:
        end = time.time() + 60
        while not set(started.ask("runs")) >= RUNS:
            assert time.time() < end, started.ask("runs")
            time.sleep(0.2)
        yield started
    finally:
        started.close()
