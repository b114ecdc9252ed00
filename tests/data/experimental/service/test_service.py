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
    def taken(count, name="rounds", **arguments):
        share = service.distribute(Policy.OFF, dispatcher.target, name, **arguments)
        return [int(v) for v in tf.data.Dataset.range(100).repeat().apply(share).take(count)]

    found = [taken(6, consumer_index=number, num_consumers=2) for number in (0, 1)]
    assert found == [[0, 0, 2, 2, 4, 4], [1, 1, 3, 3, 5, 5]]  # each round is one worker's
    with pytest.raises(tf.errors.FailedPreconditionError, match="already reached"):
        taken(4, consumer_index=1, num_consumers=2)
    caches = [service.CrossTrainerCache(name) for name in ("a", "b")]
    found = [taken(4, "cached", cross_trainer_cache=cache) for cache in caches]
    assert found[0] == found[1]
    assert taken(4, "cached", cross_trainer_cache=caches[0])[:2] != found[0][:2]  # it goes on


def test_jobs_of_other_kinds_are_refused(dispatcher):
    def taken(data, mode=Policy.OFF, name="kinds", **arguments):
        share = service.distribute(mode, dispatcher.target, name, **arguments)
        return next(iter(data.apply(share)))

    numbers, cache = tf.data.Dataset.range(5), service.CrossTrainerCache("a")
    endless = numbers.repeat()
    taken(endless)
    for arguments, message in (
        ({"mode": Policy.DYNAMIC}, "Existing processing mode: <OFF>; got <DYNAMIC>"),
        ({"consumer_index": 0, "num_consumers": 1}, "number of consumers: <0>; got <1>"),
        ({"target_workers": "LOCAL"}, "target workers: <AUTO>; got <LOCAL>"),
        ({"cross_trainer_cache": cache}, "cross-trainer cache: <disabled>; got <enabled>"),
        ({"name": None, "cross_trainer_cache": cache}, "requires named jobs"),
        ({"name": "e", "data": numbers, "cross_trainer_cache": cache}, "dataset to be infinite"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            taken(**{"data": endless, **arguments})
    with pytest.raises(
        tf.errors.FailedPreconditionError, match="infinite cardinality.*has cardinality 5"
    ):
        taken(numbers, name="f", consumer_index=0, num_consumers=1)


def test_datasets_are_registered(dispatcher):
    data = tf.data.Dataset.range(3)
    name = service.register_dataset(dispatcher.target, data)
    read = service.from_dataset_id
    assert elements(read(Policy.DYNAMIC, dispatcher.target, name)) == [0, 1, 2]
    with pytest.raises(ValueError, match="Failed to fetch element spec"):
        read(Policy.DYNAMIC, dispatcher.target, "other")
    with pytest.raises(tf.errors.NotFoundError, match="Dataset id other not found"):
        read(Policy.DYNAMIC, dispatcher.target, "other", data.element_spec)
    with pytest.raises(tf.errors.InvalidArgumentError, match="its element_spec is another"):
        service.register_dataset(dispatcher.target, data.batch(1), dataset_id=name)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (tf.TensorSpec([], tf.int32), tf.errors.FailedPreconditionError, "type int32 but got"),
        (tf.TensorSpec([2], tf.int64), tf.errors.InvalidArgumentError, "Incompatible shapes"),
        ([tf.TensorSpec([], tf.int64)] * 2, tf.errors.FailedPreconditionError, "has 2 components"),
    ],
)
def test_elements_are_those_of_the_element_spec(dispatcher, spec, error, message):
    name = service.register_dataset(dispatcher.target, tf.data.Dataset.range(3))
    with pytest.raises(error, match=message):
        list(
            service.from_dataset_id(
                Policy.OFF, dispatcher.target, name, tuple(spec) if isinstance(spec, list) else spec
            )
        )


def test_a_dataset_of_a_service_tells_what_it_is(dispatcher):
    def made(data, **arguments):
        return data.apply(service.distribute(Policy.OFF, dispatcher.target, **arguments))

    numbers = tf.data.Dataset.range(3)
    assert (
        int(made(numbers).cardinality()) == -2 and int(made(numbers.repeat()).cardinality()) == -1
    )
    sharding = tf.data.experimental.AutoShardPolicy
    assert made(numbers).options().experimental_distribute.auto_shard_policy == sharding.AUTO
    named = made(numbers, job_name="named")
    assert named.options().experimental_distribute.auto_shard_policy == sharding.OFF
    options = tf.data.Options()
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    named = named.with_options(options)
    with pytest.raises(tf.errors.UnimplementedError, match="cannot be saved"):
        tf.train.Checkpoint(iterator=iter(named)).save("ram://unused/checkpoint")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"job_name": ""}, ValueError),
        ({"num_consumers": 2}, ValueError),
        ({"num_consumers": 2, "consumer_index": 0}, ValueError),
        ({"num_consumers": 2, "job_name": "j"}, ValueError),
        (
            {"num_consumers": 2, "consumer_index": 2, "job_name": "j"},
            tf.errors.FailedPreconditionError,
        ),
        (
            {"num_consumers": 2, "consumer_index": -1, "job_name": "j"},
            tf.errors.FailedPreconditionError,
        ),
        ({"compression": "x"}, ValueError),
        ({"max_outstanding_requests": 0}, tf.errors.InvalidArgumentError),
        ({"max_outstanding_requests": 2.5}, TypeError),
        ({"target_workers": "x"}, tf.errors.InvalidArgumentError),
        ({"target_workers": 3}, TypeError),
        ({"data_transfer_protocol": "x"}, tf.errors.NotFoundError),
        ({"data_transfer_protocol": 3}, TypeError),
        ({"cross_trainer_cache": "a"}, TypeError),
    ],
)
def test_wrong_arguments_are_refused(dispatcher, arguments, error):
    with pytest.raises(error):
        data = tf.data.Dataset.range(3)
        data.apply(service.distribute(Policy.OFF, dispatcher.target, **arguments))


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        (3, ValueError, "must be a string"),
        ("", ValueError, "must not be empty"),
        ("a://b://c", ValueError, "multiple '://'"),
        ("x://localhost:1", tf.errors.NotFoundError, "protocol x"),
    ],
)
def test_what_names_no_service_is_refused(place, error, message):
    with pytest.raises(error, match=message):
        service.register_dataset(place, tf.data.Dataset.range(3))


def test_other_services_are_not_reached():
    with pytest.raises(ValueError, match="processing mode"):
        service.distribute("x", "grpc://nowhere:1")
    with pytest.raises(tf.errors.UnavailableError):
        tf.data.Dataset.range(3).apply(service.distribute(Policy.OFF, "grpc://nowhere:1"))
    with pytest.raises(ValueError, match="non-empty trainer ID"):
        service.CrossTrainerCache("")
