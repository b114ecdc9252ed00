"""Cluster resolvers, against TensorFlow 2.21."""

import json
from types import SimpleNamespace as Record

import pytest

import penstock as tf
from penstock._src.api.config import devices
from penstock._src.distribute.resolvers.sagemaker import SageMakerClusterResolver

TFConfigClusterResolver = tf.distribute.cluster_resolver.TFConfigClusterResolver

resolvers = tf.distribute.cluster_resolver
CLUSTER = {"worker": ["a:1", "b:2"], "ps": ["c:3"]}


def simple(cluster, **arguments):
    return resolvers.SimpleClusterResolver(tf.train.ClusterSpec(cluster), **arguments)


def test_simple_resolvers_name_tasks_and_masters():
    resolver = simple(CLUSTER, task_type="worker", task_id=1, rpc_layer="grpc")
    assert (resolver.master(), resolver.master("ps", 0)) == ("grpc://", "grpc://c:3")
    assert (resolver.task_type, resolver.task_id, resolver.environment) == ("worker", 1, "")
    assert resolver.num_accelerators() == {}
    with pytest.raises(TypeError, match="must be a `tf.train.ClusterSpec`"):
        resolvers.SimpleClusterResolver(3)


def test_tf_config(monkeypatch):
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": task}))
    resolver = resolvers.TFConfigClusterResolver()
    assert (resolver.task_type, resolver.task_id, resolver.rpc_layer) == ("worker", 1, None)
    assert (resolver.master(), resolver.master("ps", 0)) == ("b:2", "c:3")
    given = {"cluster": CLUSTER, "task": task, "rpc_layer": "grpc"}
    monkeypatch.setenv("TF_CONFIG", json.dumps(given))
    assert (resolver.rpc_layer, resolver.master()) == ("grpc", "grpc://b:2")
    monkeypatch.setenv("TF_CONFIG", json.dumps({**given, "session_master": "here"}))
    assert (resolver.master(), resolver.master("ps", 0)) == ("here", "here")
    monkeypatch.delenv("TF_CONFIG")
    assert resolver.cluster_spec().as_dict() == {} and resolver.master() == ""
    monkeypatch.setenv("TF_CONFIG", "{worker")
    with pytest.raises(json.JSONDecodeError, match="TF_CONFIG: expected JSON. Received '{worker'"):
        resolver.cluster_spec()


def test_union_resolvers_join_tasks_of_jobs():
    first = simple(CLUSTER, task_type="worker", task_id=1, rpc_layer="grpc")
    union = resolvers.UnionResolver(first, simple({"worker": ["d:1"], "chief": ["e:1"]}))
    joined = {"worker": ["a:1", "b:2", "d:1"], "ps": ["c:3"], "chief": ["e:1"]}
    assert union.cluster_spec().as_dict() == joined
    assert (union.master(), union.master("worker", 2)) == ("grpc://", "d:1")
    sparse = resolvers.UnionResolver(simple({"w": {0: "d:1"}}), simple({"w": {3: "x:1"}}))
    assert sparse.cluster_spec().as_dict() == {"w": {0: "d:1", 3: "x:1"}}
    twice = resolvers.UnionResolver(simple({"w": {3: "d:1", 7: "e:1"}}), simple({"w": {3: "x:1"}}))
    with pytest.raises(KeyError, match="Duplicate keys"):
        twice.cluster_spec()
    with pytest.raises(ValueError, match="At least one"):
        resolvers.UnionResolver()


def test_slurm_resolvers_read_tasks_from_the_environment(monkeypatch):
    step = dict(STEP_NUM_TASKS="3", STEP_TASKS_PER_NODE="2,1", STEP_NODELIST="t[02-03]", PROCID="2")
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    arguments = dict(gpus_per_node=2, gpus_per_task=1, auto_set_gpu=False)
    resolver = resolvers.SlurmClusterResolver({"ps": 1, "worker": 2}, **arguments)
    assert resolver.master() == ""
    found = resolver.cluster_spec().as_dict()
    assert found == {"ps": ["t02:8888"], "worker": ["t02:8889", "t03:8888"]}
    assert resolver.get_task_info() == ("worker", 1) and resolver.master() == "grpc://t03:8888"
    with pytest.raises(RuntimeError, match="Requested 3 tasks but only 4 were assigned"):
        resolvers.SlurmClusterResolver(tasks_per_node=2, **arguments)


def test_kubernetes_with_a_client():
    pods = [
        Record(
            metadata=Record(name=name), status=Record(phase="Running", host_ip=f"10.0.0.{number}")
        )
        for number, name in ((2, "b"), (1, "a"))
    ]
    client = Record(list_pod_for_all_namespaces=lambda label_selector: Record(items=pods))
    resolver = resolvers.KubernetesClusterResolver(override_client=client)
    assert resolver.cluster_spec().as_dict() == {"worker": ["10.0.0.1:8470", "10.0.0.2:8470"]}
    assert resolver.master() == "grpc://10.0.0.1:8470"


def test_tpus_have_addresses_only():
    resolver = resolvers.TPUClusterResolver("grpc://1.2.3.4:8470")
    assert resolver.cluster_spec().as_dict() == {"worker": ["1.2.3.4:8470"]}
    with pytest.raises(ValueError, match="Please provide a TPU Name"):
        resolvers.TPUClusterResolver("")
    with pytest.raises(tf.errors.UnimplementedError, match="TPUs"):
        resolver.num_accelerators()


def test_accelerators_of_one_task(monkeypatch):
    names = (
        "/job:a/task:0/device:GPU:0",
        "/job:b/task:1/device:GPU:0",
        "/job:b/task:1/device:CPU:0",
    )
    found = [tf.config.LogicalDevice(name, name.split(":")[-2][-3:]) for name in names]
    monkeypatch.setattr(devices, "list_logical_devices", lambda: found)
    resolver = TFConfigClusterResolver()
    assert resolver.num_accelerators() == {"GPU": 2}
    assert resolver.num_accelerators("b", 1) == {"GPU": 1}
    assert resolver.num_accelerators("a", 1) == {}


def test_hosts_of_sagemaker_are_workers(monkeypatch):
    with pytest.raises(AssertionError, match="Not a SageMaker Environment"):
        SageMakerClusterResolver().cluster_spec()
    monkeypatch.setenv("SM_HOSTS", '["algo-2", "algo-1"]')
    monkeypatch.setenv("SM_CURRENT_HOST", "algo-2")
    resolver = SageMakerClusterResolver(port=7)
    assert resolver.cluster_spec().as_dict() == {"worker": ["algo-1:7", "algo-2:7"]}
    assert (resolver.task_type, resolver.task_id, resolver.rpc_layer) == ("worker", 1, None)
    assert resolver.master(rpc_layer="grpc") == "grpc://algo-2:7"
    monkeypatch.setenv("SM_CURRENT_HOST", "elsewhere")
    assert SageMakerClusterResolver().cluster_spec().as_dict() == {}
