"""What a server counts of the sequences that it generates."""

import time

import pytest

from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from tests.serving.kit import Rest, save_writer
from tests.serving.telemetry.test_server import metrics

SEQUENCES = "penstock_serving_generated_sequences_total"
TOKENS = 'penstock_serving_generated_tokens_total{model_name="writer"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "writer"
    save_writer(folder / "1")
    model = ModelConfig("writer", str(folder))
    with running(Options((model,), rest_port=0, grpc_port=-1)) as started:
        yield started


def phase(name):
    labels = f'model_name="writer",signature="generate",phase="{name}"'
    return f"penstock_serving_phase_seconds_count{{{labels}}}"


def ended(server, count):
    """The metrics once so many sequences have ended: replies come before they are counted."""
    end = time.monotonic() + 30
    while True:
        found = metrics(server.rest_port)
        sequences = sum(v for name, v in found.items() if name.startswith(SEQUENCES))
        if sequences >= count or time.monotonic() > end:
            return found


def test_generated_sequences(server):
    ask = Rest(server.rest_port)
    for count in (5, 7):
        status, _ = ask("/v1/models/writer:generate", {"prompt": "abc", "max_tokens": count})
        assert status == 200
    found = ended(server, 2)
    assert found[f'{SEQUENCES}{{model_name="writer",end="length"}}'] == 2
    assert found[TOKENS] == 12
    assert [found[phase(name)] for name in ("queue", "prompt", "token")] == [2, 2, 10]
    states = 'penstock_serving_generating_sequences{model_name="writer",version="1",state='
    assert [found[f'{states}"{state}"}}'] for state in ("running", "waiting")] == [0, 0]
