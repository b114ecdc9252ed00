"""tf.data.experimental.service within one process, against TensorFlow 2.21."""

import pytest

import penstock as tf

service = tf.data.experimental.service
Policy = service.ShardingPolicy


@pytest.fixture
def dispatcher():
    addresses = ["localhost:1", "localhost:2"]
    made = service.DispatchServer(service.DispatcherConfig(worker_addresses=addresses))
    address = made.target.split("://")[1]
    workers = [
        service.WorkerServer(service.WorkerConfig(address, worker_address=worker))
        for worker in addresses
    ]
    yield made
    for worker in workers:
        worker.stop()
    made.stop()


def elements(dataset):
    return sorted(int(value) for value in dataset.as_numpy_iterator())


@pytest.mark.parametrize(
    ("mode", "times"),
    [
        ("parallel_epochs", 2),
        ("distributed_epoch", 1),
        (Policy.OFF, 2),
        (Policy.DYNAMIC, 1),
        (Policy.DATA, 1),
    ],
)
def test_workers_share_a_dataset_out(dispatcher, mode, times):
    data = tf.data.Dataset.range(6).apply(service.distribute(mode, dispatcher.target))
    assert data.element_spec == tf.TensorSpec([], tf.int64)
    assert elements(data.map(lambda x: x + 1)) == sorted(list(range(1, 7)) * times)


def test_steps_that_read_one_source_get_all_of_it_each(dispatcher):
    source = tf.data.Dataset.range(4)
    for data, expected in (
        (source.concatenate(source), [0, 0, 1, 1, 2, 2, 3, 3]),
        (tf.data.Dataset.zip((source, source)).map(lambda a, b: a - b), None),
        (tf.data.Dataset.sample_from_datasets([source, source]), [0, 0, 1, 1, 2, 2, 3, 3]),
    ):
        found = elements(data.apply(service.distribute(Policy.DYNAMIC, dispatcher.target)))
        assert found == expected if expected else (len(found), sum(found)) == (4, 0)


def test_consumers_share_a_job(dispatcher):
    def dataset():
        share = service.distribute(Policy.DYNAMIC, dispatcher.target, job_name="job")
        return tf.data.Dataset.range(6).apply(share)

    first, second = iter(dataset()), iter(dataset())
    taken = [int(next(first)), int(next(first))]
    assert sorted(taken + [int(v) for v in second] + [int(v) for v in first]) == list(range(6))


def test_consumers_in_rounds_and_trainers_with_a_cache(dispatcher):
    def consumer(number):
        share = service.distribute(
            Policy.DYNAMIC, dispatcher.target, "rounds", consumer_index=number, num_consumers=2
        )
        return [int(v) for v in tf.data.Dataset.range(7).apply(share)]

    assert consumer(0) == [0, 2, 4] and consumer(1) == [1, 3, 5]

    def trainer(name):
        share = service.distribute(
            Policy.DYNAMIC,
            dispatcher.target,
            "cached",
            cross_trainer_cache=service.CrossTrainerCache(name),
        )
        return [int(v) for v in tf.data.Dataset.range(4).apply(share)]

    assert trainer("a") == trainer("b") == [0, 1, 2, 3]


def test_datasets_are_registered_and_saved(dispatcher, tmp_path):
    data = tf.data.Dataset.range(3)
    name = service.register_dataset(dispatcher.target, data)
    read = service.from_dataset_id
    assert elements(read(Policy.DYNAMIC, dispatcher.target, name)) == [0, 1, 2]
    with pytest.raises(ValueError, match="Failed to fetch element spec"):
        read(Policy.DYNAMIC, dispatcher.target, "other")
    tf.data.experimental.distributed_save(data, str(tmp_path / "d"), dispatcher.target)
    assert elements(tf.data.Dataset.load(str(tmp_path / "d"))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"job_name": ""}, ValueError),
        ({"num_consumers": 2}, ValueError),
        ({"compression": "x"}, ValueError),
        ({"max_outstanding_requests": 0}, tf.errors.InvalidArgumentError),
        ({"target_workers": "x"}, tf.errors.InvalidArgumentError),
    ],
)
def test_wrong_arguments_are_refused(dispatcher, arguments, error):
    with pytest.raises(error):
        data = tf.data.Dataset.range(3)
        data.apply(service.distribute(Policy.OFF, dispatcher.target, **arguments))


def test_other_services_are_not_reached():
    with pytest.raises(ValueError, match="processing mode"):
        service.distribute("x", "grpc://nowhere:1")
    with pytest.raises(tf.errors.UnavailableError):
        tf.data.Dataset.range(3).apply(service.distribute(Policy.OFF, "grpc://nowhere:1"))
    with pytest.raises(ValueError, match="non-empty trainer ID"):
        service.CrossTrainerCache("")
