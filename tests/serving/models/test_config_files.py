"""TensorFlow Serving's configuration files."""

import pytest

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.models import config_files
from penstock._src.serving.models.config import ModelConfig, VersionPolicy


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "config"
        path.write_text(text)
        return str(path)

    return write


def test_models_that_are_written_are_read_again(tmp_path):
    models = (
        ModelConfig("a", "/a", VersionPolicy("specific", versions=(1, 2)), {"stable": 1}),
        ModelConfig("b", "/b 'é'", VersionPolicy("all")),
        ModelConfig("c", "/c", VersionPolicy("latest", 3)),
    )
    path = str(tmp_path / "config")
    for written in (models, models[:1], ()):
        config_files.write_models(path, written)
        assert config_files.read_models(path) == written
    assert [each.name for each in tmp_path.iterdir()] == ["config"]


def test_models_are_read_from_a_configuration_file(written):
    path = written("""
        model_config_list {
          config {
            name: 'first' base_path: '/tmp/models/first' model_platform: 'tensorflow'
            model_version_policy { specific { versions: 42 versions: 43 } }
            version_labels { key: 'stable' value: 42 }
            version_labels { key: 'canary' value: 43 }
          }
          config { name: 'second' base_path: '/tmp/models/second' }
          config { name: 'third' base_path: '/t' model_version_policy { latest { num_versions: 2 } } }
          config { name: 'fourth' base_path: '/f' model_version_policy: {all: {}} }
        }
    """)
    first, second, third, fourth = config_files.read_models(path)
    assert first.policy == VersionPolicy("specific", versions=(42, 43))
    assert first.labels == {"stable": 42, "canary": 43}
    assert (second.name, second.base_path, second.policy) == (
        "second",
        "/tmp/models/second",
        VersionPolicy(),
    )
    assert third.policy == VersionPolicy("latest", 2)
    assert fourth.policy == VersionPolicy("all")


def test_batching(written):
    parameters, threads = config_files.read_batching(
        written("""
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 1500 }
        max_enqueued_batches { value: 1000000 }
        num_batch_threads { value: 8 }
        allowed_batch_sizes: 32
        allowed_batch_sizes: 128
        pad_variable_length_inputs: true
    """)
    )
    assert (parameters.max_batch_size, parameters.batch_timeout, threads) == (128, 0.0015, 8)
    assert parameters.sizes == (32, 128) and parameters.pads_variable_lengths
    assert parameters.max_enqueued_batches == 1_000_000


def test_monitoring(written):
    read = config_files.read_metrics_path
    assert read(written("prometheus_config { enable: true path: '/m' }")) == "/m"
    default = "/monitoring/prometheus/metrics"
    assert read(written("prometheus_config { enable: true }")) == default
    assert read(written("prometheus_config { path: '/m' }")) == "" == read(written(""))
    with pytest.raises(InvalidArgumentError, match="begins with a slash"):
        read(written("prometheus_config { enable: true path: 'm' }"))


@pytest.mark.parametrize(
    "text, message",
    [
        ("model_config_list { config { nme: 'x' } }", "no ModelServerConfig text"),
        ("", "expected a model_config_list"),
        ("model_config_list { config { base_path: '/x' } }", "needs a name and a base path"),
        (
            "model_config_list { config { name: 'x' base_path: '/x' model_platform: 'onnx' } }",
            "Received 'onnx'",
        ),
    ],
)
def test_files_that_are_refused(written, text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        config_files.read_models(written(text))


@pytest.mark.parametrize(
    "text, message",
    [
        ("max_batch_size { value: 0 }", "max_batch_size: expected at least 1"),
        ("allowed_batch_sizes: 4", "the last must be max_batch_size, 1000"),
        (
            "max_batch_size { value: 2 } allowed_batch_sizes: 4 allowed_batch_sizes: 2",
            "expected increasing",
        ),
    ],
)
def test_limits_that_are_refused(written, text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        config_files.read_batching(written(text))
