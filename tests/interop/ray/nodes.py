"""python -m tests.interop.ray.nodes [spare] [elastic]: workers of Ray Train on several nodes, one of which is killed.

Each node is a network namespace, which takes root and the command `ip`. Run by a Python that has `penstock-tensors[ray]`.

spare    two workers, and a node more: a worker is started there
elastic  one or two workers: one goes on alone, and a second joins it once there is a node again
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

PORT, RATE = 6399, 0.05
RAY = str(pathlib.Path(sys.executable).with_name("ray"))
UNTIL_UP, UNTIL_DONE = 60, 240  # seconds
STEPS = {"spare": 8, "elastic": 60}
NODES = {"spare": 4, "elastic": 3}  # the first trains nothing
WORKERS = {"spare": 2, "elastic": (1, 2)}


def loop(config):
    """Trains one number, slowly, and notes by how many workers on which nodes. `expected` is what it must be."""
    import penstock as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    rank, count = strategy.cluster_resolver.task_id, strategy.num_replicas_in_sync
    with strategy.scope():
        weight, expected = tf.Variable(1.0), tf.Variable(1.0)
        done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(weight=weight, expected=expected, done=done)
    restored = tf.distribute.ray.restore(checkpoint)

    @tf.function
    def step():
        def replica():
            total = tf.distribute.get_replica_context().all_reduce("SUM", weight * (rank + 1.0))
            weight.assign_sub(RATE * total)
            expected.assign(expected * (1.0 - RATE * count * (count + 1) / 2))
            done.assign_add(1)

        strategy.run(replica)

    while int(done) < config["steps"]:
        step()
        workers = strategy.cluster_resolver.cluster_spec().as_dict()["worker"]
        metrics = {
            "weight": float(weight), "expected": float(expected), "done": int(done), "restored": restored,
            "nodes": [each.rsplit(":", 1)[0] for each in workers],
        }  # fmt: skip
        tf.distribute.ray.report(metrics, checkpoint)
        if rank == 0:
            pathlib.Path(config["progress"]).write_text(json.dumps(metrics))
        time.sleep(0.5)


def train(case, folder):
    """What the driver runs, on the head's node; prints the result."""
    import ray
    from ray import train

    import penstock as tf

    ray.init(address=f"10.77.0.1:{PORT}", log_to_driver=False)
    interval = {"elastic_resize_monitor_interval_s": 2.0} if case == "elastic" else {}
    result = tf.distribute.ray.Trainer(
        loop,
        train_loop_config={"steps": STEPS[case], "progress": os.path.join(folder, "progress")},
        scaling_config=train.ScalingConfig(
            num_workers=WORKERS[case], resources_per_worker={"CPU": 1}, placement_strategy="SPREAD", **interval
        ),
        run_config=train.RunConfig(
            storage_path=folder, name=case, failure_config=train.FailureConfig(max_failures=3)
        ),
    ).fit()  # fmt: skip
    print("RESULT " + json.dumps(result.metrics), flush=True)


class Nodes:
    """Ray's nodes, by their addresses."""

    def __init__(self, made, folder):
        self.made, self.folder = made, pathlib.Path(folder)
        self.running = {}
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

    def start(self, number):
        """Starts a node on a host, from 1 on, and waits until it is there."""
        address, head = self.made.addresses[number - 1], self.made.addresses[0]
        where = ["--head", f"--port={PORT}", "--include-dashboard=false"]
        where = where if number == 1 else [f"--address={head}:{PORT}"]
        command = [
            *self.made.command(number),
            RAY,
            "start",
            "--block",
            f"--node-ip-address={address}",
        ]
        command += [f"--num-cpus={int(number > 1)}", "--object-store-memory=100000000", *where]
        soon = {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "2000"}
        log = self.folder / f"node{number}"
        with log.open("w") as file:
            self.running[address] = subprocess.Popen(
                command, stdout=file, stderr=file, start_new_session=True, env=os.environ | soon
            )
        until = time.monotonic() + UNTIL_UP
        while "Ray runtime started" not in log.read_text():
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)

    def kill(self, address):
        """Ends a node with all that runs there, at once."""
        process = self.running.pop(address)
        session = ["ps", "-s", str(process.pid), "-o", "pid="]
        pids = subprocess.run(session, capture_output=True, text=True).stdout.split()
        subprocess.run(["kill", "-9", *{*pids, *descendants(process.pid)}], capture_output=True)
        process.wait()

    def end(self):
        """Ends all."""
        for address in list(self.running):
            self.kill(address)


def descendants(pid):
    """The processes that a process has started, and those that these have."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [*found, *[each for child in found for each in descendants(child)]]


def waited(progress, driver, is_there):
    """What rank 0 has noted once a condition holds."""
    until = time.monotonic() + UNTIL_DONE
    while True:
        noted = json.loads(progress.read_text() or "{}") if progress.exists() else {}
        if noted and is_there(noted):
            return noted
        assert time.monotonic() < until and driver.poll() is None, noted
        time.sleep(0.1)


def run(case):
    """Trains, kills a node on the way, and looks at the result."""
    from tests.harness.hosts import hosts

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        made = stack.enter_context(hosts(NODES[case], pathlib.Path(folder)))
        nodes, progress = Nodes(made, folder), pathlib.Path(folder, "progress")
        stack.callback(nodes.end)
        for number in range(1, NODES[case] + 1):
            nodes.start(number)
        command = [*made.command(1), sys.executable, "-m", "tests.interop.ray.nodes", case, folder]
        driver = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(driver.kill)
        before = waited(progress, driver, lambda m: m["done"] >= 3 and len(m["nodes"]) == 2)[
            "nodes"
        ]
        lost = before[1]
        nodes.kill(lost)
        print(f"{case}: trained on {before}; {lost} was killed", flush=True)
        after = waited(progress, driver, lambda m: lost not in m["nodes"])
        assert after["restored"] and len(after["nodes"]) == (2 if case == "spare" else 1), after
        print(f"{case}: goes on from the last checkpoint on {after['nodes']}", flush=True)
        if case == "elastic":
            nodes.start(made.addresses.index(lost) + 1)
            again = waited(progress, driver, lambda m: len(m["nodes"]) == 2)
            print(f"elastic: goes on on {again['nodes']} from step {again['done']}", flush=True)
        output, _ = driver.communicate(timeout=UNTIL_DONE)
    result = json.loads(output.split("RESULT ", 1)[1].splitlines()[0])
    assert result["done"] == STEPS[case], result
    assert abs(result["weight"] - result["expected"]) < 1e-6, result


if __name__ == "__main__":
    if len(sys.argv) > 2:
        train(*sys.argv[1:])
    else:
        for name in sys.argv[1:] or STEPS:
            run(name)
