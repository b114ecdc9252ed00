"""python -m tests.interop.ray.nodes: workers of Ray Train on several nodes, one of which is killed.

Each node is a network namespace, which takes root and the command `ip`. Run by a Python that has `penstock[ray]`.
"""

import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time

STEPS, PORT = 8, 6399
NODES = 4  # the head, which trains nothing, two that train, and one to spare
RAY = str(pathlib.Path(sys.executable).with_name("ray"))
UNTIL_UP, UNTIL_DONE = 60, 240  # seconds


def loop(config):
    """Trains one number, slowly; notes which process trains on which node."""
    import penstock as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    rank = strategy.cluster_resolver.task_id
    with strategy.scope():
        weight, done = tf.Variable(1.0), tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(weight=weight, done=done)
    restored = tf.distribute.ray.restore(checkpoint)

    @tf.function
    def step():
        def replica():
            total = tf.distribute.get_replica_context().all_reduce("SUM", weight * (rank + 1.0))
            weight.assign_sub(config["rate"] * total)
            done.assign_add(1)

        strategy.run(replica)

    while int(done) < STEPS:
        step()
        addresses = [
            each.rsplit(":", 1)[0]
            for each in strategy.cluster_resolver.cluster_spec().as_dict()["worker"]
        ]
        metrics = {
            "weight": float(weight),
            "done": int(done),
            "nodes": addresses,
            "restored": restored,
        }
        tf.distribute.ray.report(metrics, checkpoint)
        if rank == 0:
            pathlib.Path(config["progress"]).write_text(json.dumps(metrics))
        time.sleep(0.5)


def train(folder):
    """What the driver runs, on the head's node; prints the result."""
    import ray
    from ray import train

    import penstock as tf

    ray.init(address=f"10.77.0.1:{PORT}", log_to_driver=False)
    result = tf.distribute.ray.Trainer(
        loop,
        train_loop_config={"rate": 0.05, "progress": os.path.join(folder, "progress")},
        scaling_config=train.ScalingConfig(
            num_workers=2, resources_per_worker={"CPU": 1}, placement_strategy="STRICT_SPREAD"
        ),
        run_config=train.RunConfig(
            storage_path=folder, name="nodes", failure_config=train.FailureConfig(max_failures=2)
        ),
    ).fit()
    print("RESULT " + json.dumps(result.metrics), flush=True)


@contextlib.contextmanager
def nodes(made, folder):
    """The processes of Ray's nodes, by their addresses."""
    running = {}
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = os.environ | {
        "RAY_health_check_period_ms": "1000",
        "RAY_health_check_timeout_ms": "2000",
    }
    try:
        for number, address in enumerate(made.addresses, 1):
            where = ["--head", f"--port={PORT}", "--include-dashboard=false"]
            where = where if number == 1 else [f"--address={made.addresses[0]}:{PORT}"]
            command = [
                *made.command(number),
                RAY,
                "start",
                "--block",
                f"--node-ip-address={address}",
            ]
            command += [f"--num-cpus={int(number > 1)}", "--object-store-memory=100000000", *where]
            log = pathlib.Path(folder, f"node{number}")
            with log.open("w") as file:
                running[address] = subprocess.Popen(
                    command, stdout=file, stderr=file, start_new_session=True, env=environment
                )
            until = time.monotonic() + UNTIL_UP
            while "Ray runtime started" not in log.read_text():
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
        yield running
    finally:
        for process in running.values():
            kill(process)


def kill(process):
    """Ends a node with all that runs there, at once."""
    pids = subprocess.run(
        ["ps", "-s", str(process.pid), "-o", "pid="], capture_output=True, text=True
    )
    found = {*pids.stdout.split(), *descendants(process.pid)}
    subprocess.run(["kill", "-9", *found], capture_output=True)
    process.wait()


def descendants(pid):
    """The processes that a process has started, and those that these have."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [*found, *[each for child in found for each in descendants(child)]]


def main():
    from tests.harness.hosts import hosts

    with (
        tempfile.TemporaryDirectory() as folder,
        hosts(NODES, pathlib.Path(folder)) as made,
        nodes(made, folder) as running,
    ):
        progress = pathlib.Path(folder, "progress")
        command = [*made.command(1), sys.executable, "-m", "tests.interop.ray.nodes", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            until = time.monotonic() + UNTIL_UP + UNTIL_DONE
            while (
                not progress.exists() or json.loads(progress.read_text() or "{}").get("done", 0) < 3
            ):
                assert time.monotonic() < until and driver.poll() is None, "training did not begin"
                time.sleep(0.1)
            before = json.loads(progress.read_text())["nodes"]
            kill(running[before[1]])
            print(f"trained on {before}; {before[1]} was killed", flush=True)
            output, _ = driver.communicate(timeout=UNTIL_DONE)
    result = json.loads(output.split("RESULT ", 1)[1])
    assert before[1] not in result["nodes"] and len(set(result["nodes"])) == 2, result
    assert result["restored"] and result["done"] == STEPS, result
    assert abs(result["weight"] - (1 - 3 * 0.05) ** STEPS) < 1e-6, result
    print(f"goes on from the last checkpoint on {result['nodes']}")


if __name__ == "__main__":
    train(sys.argv[1]) if sys.argv[1:] else main()
