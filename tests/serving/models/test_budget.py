"""The memory budget that a container's limit gives."""

import pytest

from penstock._src.bridge.cli import serve
from penstock._src.serving.models import budget

MEGABYTE = 1 << 20


@pytest.fixture
def container(monkeypatch):
    """`container(bytes)`: this process runs in a container with this limit."""
    return lambda limit: monkeypatch.setattr(budget, "container_memory", lambda: limit)


@pytest.mark.parametrize(
    ("limit", "processes", "megabytes"),
    [(4096, 1, 2976), (4096, 2, 1440), (512, 1, 288)],
)
def test_three_quarters_of_what_the_processes_leave(limit, processes, megabytes, container):
    container(limit * MEGABYTE)
    assert budget.default_budget(processes) == megabytes * MEGABYTE


def test_no_model_fits_where_the_process_itself_does_not(container):
    container(100 * MEGABYTE)
    assert budget.default_budget(1) == 1


def test_there_is_none_without_a_limit(container):
    container(None)
    assert budget.default_budget(1) == 0


@pytest.mark.parametrize(
    ("arguments", "megabytes"),
    [([], 288), (["--workers=2"], 96), (["--memory-budget=700"], 700), (["--memory-budget=0"], 0)],
)
def test_the_option_goes_before_the_container(arguments, megabytes, container, tmp_path):
    container(512 * MEGABYTE)
    options = serve._options(serve._parser().parse_args([str(tmp_path), *arguments]))
    assert options.memory_budget == megabytes * MEGABYTE
