"""The values in artifacts of TFX, as what JSON can hold."""

import base64
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_model_analysis as tfma
from google.protobuf import json_format, text_format
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tensorflow_serving.apis import prediction_log_pb2


def latest(folder: Path) -> Path:
    """Returns the folder of the last execution that wrote an artifact."""
    return max(folder.iterdir(), key=lambda path: int(path.name))


def _plain(message: Any) -> Any:
    """A protocol buffer as values of JSON; features are in the order of their names, as theirs depends on that of the examples."""
    return _sorted(json_format.MessageToDict(message))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        is_named = any(isinstance(each, dict) and {"name", "path"} & set(each) for each in value)
        items = map(_sorted, value)
        return (
            sorted(items, key=lambda each: str(each.get("path", each.get("name"))))
            if is_named
            else list(items)
        )
    return value


def statistics(artifact: Path) -> dict[str, Any]:
    """Returns the statistics of each split, or of all."""
    return {
        str(file.parent.relative_to(artifact)): _plain(tfdv.load_stats_binary(str(file)))
        for file in sorted(artifact.rglob("FeatureStats.pb"))
    }


def statistics_of_floats(artifact: Path) -> dict[str, Any]:
    """Returns statistics without histograms: numbers at the edge of two buckets change theirs with the order of the examples, on TensorFlow too."""
    return _without_histograms(statistics(artifact))


def _without_histograms(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_histograms(v) for k, v in value.items() if k != "histograms"}
    return list(map(_without_histograms, value)) if isinstance(value, list) else value


def schema(artifact: Path) -> dict[str, Any]:
    """Returns the schema."""
    return _plain(tfdv.load_schema_text(str(artifact / "schema.pbtxt")))


def anomalies(artifact: Path) -> dict[str, Any]:
    """Returns the anomalies of each split."""
    return {
        file.parent.name: _plain(anomalies_pb2.Anomalies.FromString(file.read_bytes()))
        for file in sorted(artifact.glob("*/SchemaDiff.pb"))
    }


def records(folder: Path) -> list[bytes]:
    """Returns the records of a folder's files."""
    files = sorted(map(str, folder.glob("*.gz")))
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


def examples(artifact: Path) -> dict[str, Any]:
    """Returns the examples of each split, {feature: values}, in an order that does not depend on that of the files."""
    return {
        split.name: sorted(map(_features, records(split)), key=str)
        for split in sorted(artifact.glob("Split-*"))
    }


def _features(record: bytes) -> dict[str, list[Any]]:
    features = tf.train.Example.FromString(record).features.feature
    values = {
        name: getattr(features[name], features[name].WhichOneof("kind") or "int64_list").value
        for name in sorted(features)
    }
    return {
        name: [v.decode() if isinstance(v, bytes) else v for v in value]
        for name, value in values.items()
    }


def vocabularies(artifact: Path) -> dict[str, list[str]]:
    """Returns the vocabularies of a transformation."""
    return {
        file.name: file.read_text().split("\n")
        for file in sorted(artifact.glob("transform_fn/assets/*"))
    }


def evaluation(artifact: Path) -> dict[str, Any]:
    """Returns the metrics of each slice."""
    return {
        str(key): metrics for key, metrics in tfma.load_eval_result(str(artifact)).slicing_metrics
    }


def predictions(artifact: Path) -> dict[str, list[float]]:
    """Returns what a model gives for each example, by the example's bytes with the features in order."""
    found = {}
    for record in records(artifact):
        log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
        example = tf.train.Example.FromString(log.request.inputs["examples"].string_val[0])
        key = base64.b64encode(example.SerializeToString(deterministic=True)).decode()
        found[key] = tf.make_ndarray(log.response.outputs["outputs"]).ravel().tolist()
    return found


def lineage(database: Path) -> list[Any]:
    """Returns the executions of a store of ML Metadata: type, state, and the types of the artifacts that went in and came out."""
    store = metadata_store.MetadataStore(
        text_format.Parse(
            f'sqlite {{ filename_uri: "{database}" }}', metadata_store_pb2.ConnectionConfig()
        )
    )
    types = {artifact.id: artifact.type for artifact in store.get_artifacts()}
    executions = store.get_executions()
    events = store.get_events_by_execution_ids([execution.id for execution in executions])
    return [
        [
            execution.type,
            metadata_store_pb2.Execution.State.Name(execution.last_known_state),
            sorted(
                [metadata_store_pb2.Event.Type.Name(event.type), types[event.artifact_id]]
                for event in events
                if event.execution_id == execution.id
            ),
        ]
        for execution in executions
    ]
