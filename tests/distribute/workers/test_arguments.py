"""Arguments of the strategies of several processes: what is none is refused by name."""

import pytest

import penstock as tf

experimental = tf.distribute.experimental


@pytest.mark.parametrize(
    ("make", "arguments", "error", "text"),
    [
        (experimental.PipelineStrategy, {"micro_batches": 2.5}, TypeError, "micro_batches"),
        (experimental.PipelineStrategy, {"micro_batches": True}, TypeError, "micro_batches"),
        (experimental.PipelineStrategy, {"micro_batches": 0}, ValueError, "micro_batches"),
        (experimental.PipelineStrategy, {"replicas": "1"}, TypeError, "replicas"),
        (experimental.PipelineStrategy, {"replicas": 2}, ValueError, "replicas=2"),
        (experimental.PipelineStrategy, {"cuts": "dense"}, TypeError, "names of layers"),
        (experimental.PipelineStrategy, {"cuts": ["dense"]}, ValueError, "need 0 cuts"),
        (experimental.PipelineStrategy, {"schedule": "gpipe"}, ValueError, "'gpipe'"),
        (experimental.PipelineStrategy, {"balance": "bytes"}, ValueError, "'bytes'"),
        (experimental.PipelineStrategy, {"communication_options": 3}, TypeError, "type int"),
        (experimental.ShardingOptions, {"stage": 1.0}, TypeError, "stage"),
        (experimental.ShardingOptions, {"stage": 4}, ValueError, "stage must be <= 3"),
        (experimental.ShardingOptions, {"smallest": "all"}, TypeError, "smallest"),
        (experimental.ShardingOptions, {"smallest": -1}, ValueError, "smallest"),
        (tf.distribute.MultiWorkerMirroredStrategy, {"sharding_options": "2"}, TypeError, "'2'"),
    ],
)
def test_arguments_of_other_kinds_are_refused_by_name(make, arguments, error, text):
    with pytest.raises(error, match=text):
        make(**arguments)
