"""The numbers of metrics, and Prometheus's text of them."""

import pytest

from penstock._src.serving.telemetry import text
from penstock._src.serving.telemetry.store import Store, of_metric
from penstock._src.serving.telemetry.table import (
    BATCH_REQUESTS,
    METRICS,
    REQUEST_COUNT,
    REQUEST_LATENCY,
    REQUESTS,
)


def lines(store):
    return text.render(store.all()).decode().splitlines()


def test_counters_and_gauges():
    store = Store()
    store.value(REQUEST_COUNT, "m", "OK").add()
    store.value(REQUEST_COUNT, "m", "OK").add(2)
    store.value(REQUEST_COUNT, 'a"b\\c\n', "OK").add()
    store.value(REQUESTS).set(7)
    store.value(REQUESTS).set(5)
    found = lines(store)
    assert "# TYPE :tensorflow:serving:request_count counter" in found
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 3' in found
    assert ':tensorflow:serving:request_count{model_name="a\\"b\\\\c\\n",status="OK"} 1' in found
    assert "penstock_serving_requests 5" in found


def test_histograms():
    store = Store()
    held = store.histogram(BATCH_REQUESTS, "m", "f")
    for value, count in ((1, 1), (2, 3), (3, 1), (1000, 2)):
        held.add(value, count)
    start = 'penstock_serving_batch_requests_bucket{model_name="m",signature="f",le='
    found = [line for line in lines(store) if line.startswith("penstock_serving_batch_requests")]
    assert found[:3] == [f'{start}"1"}} 1', f'{start}"2"}} 4', f'{start}"4"}} 5']
    assert found[-4:] == [
        f'{start}"256"}} 5',
        f'{start}"+Inf"}} 7',
        'penstock_serving_batch_requests_sum{model_name="m",signature="f"} 2010',
        'penstock_serving_batch_requests_count{model_name="m",signature="f"} 7',
    ]


def test_bounds_are_tensorflow_servings():
    assert REQUEST_LATENCY.bounds[:4] == (10, 18, 32.4, 58.32)
    assert len(REQUEST_LATENCY.bounds) == 33


def test_processes_are_added_up(tmp_path):
    for number, times in ((1, 10), (2, 100)):
        theirs = Store(str(tmp_path), number)
        theirs.value(REQUEST_COUNT, "m", "OK").add(times)
        theirs.value(REQUESTS).set(number)
    mine = Store(str(tmp_path), 0)
    mine.value(REQUEST_COUNT, "m", "OK").add()
    mine.value(REQUEST_COUNT, "m", "NOT_FOUND").add()
    counts = of_metric(mine.all(), REQUEST_COUNT)
    assert counts == {("m", "OK"): [111.0], ("m", "NOT_FOUND"): [1.0]}
    assert of_metric(mine.all(), REQUESTS) == {(): [3.0]}


def test_a_successor_goes_on_counting(tmp_path):
    first = Store(str(tmp_path))
    first.value(REQUEST_COUNT, "m", "OK").add(5)
    first.histogram(BATCH_REQUESTS, "m", "f").add(2)
    first.value(REQUESTS).set(9)
    second = Store(str(tmp_path))
    second.reset_gauges()
    second.value(REQUEST_COUNT, "m", "OK").add()
    second.value(REQUEST_COUNT, "m", "OK").set_total(4)  # counted elsewhere by this process
    second.histogram(BATCH_REQUESTS, "m", "f").add(2)
    found = lines(second)
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 9' in found
    assert 'penstock_serving_batch_requests_sum{model_name="m",signature="f"} 4' in found
    assert "penstock_serving_requests 0" in found


def test_too_many_series_are_left_out(caplog, monkeypatch):
    monkeypatch.setattr("penstock._src.serving.telemetry.store._SIZE", 1 << 16)
    store = Store()
    for at in range(300):
        store.histogram(REQUEST_LATENCY, str(at), "Predict", "REST").add(1)
    assert "too many metrics" in caplog.text
    counts = of_metric(store.all(), REQUEST_LATENCY)
    assert 100 < len(counts) < 300 and all(sum(c[:-1]) == 1 for c in counts.values())


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_are_prometheus_names(metric):
    assert all(c.isalnum() or c in "_:" for c in metric.name) and metric.help.endswith(".")
    assert list(metric.bounds) == sorted(set(metric.bounds))
    assert bool(metric.bounds) == (metric.kind == "histogram")
