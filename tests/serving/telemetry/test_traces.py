"""Spans of requests, as OpenTelemetry's SDK gets them."""

import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from penstock._src.core import errors
from penstock._src.serving.client.client import Client
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.telemetry import traces
from tests.serving.kit import HalfPlusTwo, save

pytestmark = pytest.mark.timed


@pytest.fixture
def spans(monkeypatch):
    """The spans that end, and a tracer of the caller's own."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(traces, "_tracer", lambda: tracer)
    return exporter, tracer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("half")
    save(HalfPlusTwo(), root / "1")
    model = ModelConfig("half", str(root))
    with running(Options((model,), rest_port=0, grpc_port=0)) as started:
        yield started


def spans_of(exporter, trace, count):
    """The spans of a trace by their names, once there are so many: the server's end after its reply was sent."""
    end = time.monotonic() + 30
    while True:
        found = [s for s in exporter.get_finished_spans() if s.context.trace_id == trace]
        if len(found) >= count or time.monotonic() > end:
            return {span.name: span for span in found}


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_request_is_part_of_its_callers_trace(server, spans, protocol):
    exporter, tracer = spans
    url = f"http://127.0.0.1:{server.rest_port}/v1/models/half"
    if protocol == "grpc":
        url = f"grpc://127.0.0.1:{server.grpc_port}/models/half"
    with Client(url) as client:
        client.signatures()
        client.predict([1.0])
        exporter.clear()
        with tracer.start_as_current_span("caller") as caller:
            client.predict([1.0, 2.0])
        with pytest.raises(errors.NotFoundError):
            client.predict([1.0], version=9)
    trace = caller.get_span_context().trace_id
    found = spans_of(exporter, trace, 5)
    name = "POST predict" if protocol == "rest" else "tensorflow.serving.PredictionService/Predict"
    assert set(found) == {"queue", "batch", "compute", name, "caller"}
    request, batch, compute = found[name], found["batch"], found["compute"]
    assert request.parent.span_id == caller.get_span_context().span_id
    assert request.kind.name == "SERVER" and request.attributes["penstock.rows"] == 2
    assert request.attributes["penstock.model"] == "half"
    assert batch.parent.span_id == found["queue"].parent.span_id == request.context.span_id
    assert compute.parent.span_id == batch.context.span_id
    assert request.start_time <= found["queue"].start_time + 10**6
    assert found["queue"].end_time == batch.start_time <= compute.start_time < compute.end_time
    assert compute.end_time <= batch.end_time + 10**3 <= request.end_time + 10**6


def test_nothing_is_made_where_nobody_takes_it(server):
    traces._tracer.cache_clear()
    headers = {}
    traces.inject(headers)
    assert not traces.is_on() and not headers
