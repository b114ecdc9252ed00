"""What happens to requests while a worker is killed, and while a version is replaced: `python -m tests.fuzz.serving.trials`."""

import argparse
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from typing import Any, NamedTuple

from tests.fuzz.serving.others import percentile
from tests.fuzz.serving.served import Process
from tests.serving.kit import HalfPlusTwo, save

PATH = "/v1/models/half:predict"


class Answer(NamedTuple):
    """A request: when it ended, how long it took, and what came: x / 2 + some number, or why nothing came."""

    at: float
    seconds: float
    number: float
    broken: str


class Load:
    """A process with clients that ask without pause, each on a connection of its own.

    Args:
      port: of REST.
      clients: how many.
    """

    def __init__(self, port: int, clients: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_load, args=(theirs, port, clients), daemon=True)
        self._process.start()
        self._ours.recv()

    def end(self) -> list[Answer]:
        """Ends the clients; what they were answered."""
        self._ours.send("end")
        found = self._ours.recv()
        self._process.join()
        return sorted(Answer(*each) for each in found)


def _load(pipe: Any, port: int, clients: int) -> None:
    ended = threading.Event()
    found: list[Answer] = []
    threads = [
        threading.Thread(target=_ask, args=(port, ended, found, seed)) for seed in range(clients)
    ]
    for thread in threads:
        thread.start()
    pipe.send("ready")
    pipe.recv()
    ended.set()
    for thread in threads:
        thread.join()
    pipe.send([tuple(each) for each in found])


def _ask(port: int, ended: threading.Event, found: list[Answer], seed: int) -> None:
    numbers = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not ended.is_set():
        x = numbers.randrange(1000)
        begun = time.monotonic()
        number, broken = 0.0, ""
        try:
            connection.request("POST", PATH, json.dumps({"instances": [x]}))
            reply = connection.getresponse()
            body = reply.read()
            if reply.status == 200:
                number = json.loads(body)["predictions"][0] - x / 2
            else:
                broken = f"{reply.status} {body.decode()}"
        except (OSError, http.client.HTTPException) as error:
            broken = f"connection: {error!r}"
            connection.close()
        ends = time.monotonic()
        found.append(Answer(ends, ends - begun, number, broken))


def kill_workers(folder: pathlib.Path, kills: int, clients: int = 8) -> str:
    """Kills workers one after the other under load; returns what was wrong."""
    save(HalfPlusTwo(), folder / "half" / "1")
    process = Process([str(folder / "half"), "--workers=2"], folder / "log")
    wrong = []
    try:
        _settled(process)
        load = Load(process.rest_port, clients)
        replaced = []
        for _ in range(kills):
            time.sleep(1)
            before = _settled(process)
            os.kill(random.choice(before), signal.SIGKILL)
            begun = time.monotonic()
            while len(now := process.workers()) < 2 or set(now) == set(before):
                time.sleep(0.01)
            replaced.append(time.monotonic() - begun)
        time.sleep(1)
        answers = load.end()
        broken = [each.broken for each in answers if each.broken]
        wrong += [what for what in broken if not what.startswith("connection:")][:3]
        wrong += [f"{a.number} is not 2" for a in answers if not a.broken and a.number != 2][:3]
        if len(broken) > kills * clients:
            wrong.append(f"{len(broken)} broken connections")
        print(
            f"{kills} kills, {len(answers):,} requests of {clients} clients, {len(broken)} of them on connections to killed workers; "
            f"replaced within {max(replaced):.2f} s"
        )
    finally:
        if process.end() != 0:
            wrong.append("the parent did not end in order")
    return "; ".join(wrong)


def _settled(process: Process) -> list[int]:
    """The workers, once there are two that listen."""
    # Of Linux's table: our port, LISTEN.
    place = f"0100007F:{process.rest_port:04X} 00000000:0000 0A"
    while pathlib.Path("/proc/net/tcp").read_text().count(place) < 2:
        time.sleep(0.05)
    return process.workers()


def switch_versions(folder: pathlib.Path, versions: int, clients: int = 8) -> str:
    """Replaces a model's version under load; returns what was wrong."""
    for number in range(1, versions + 2):
        save(HalfPlusTwo(two=float(number)), folder / "made" / str(number))
    (folder / "half").mkdir()
    shutil.copytree(folder / "made" / "1", folder / "half" / "1")
    process = Process([str(folder / "half"), "--file-system-poll-wait-seconds=0.2"], folder / "log")
    wrong = []
    try:
        load = Load(process.rest_port, clients)
        time.sleep(3)
        switches = []
        for number in range(2, versions + 2):
            begun = time.monotonic()
            os.rename(folder / "made" / str(number), folder / "half" / str(number))
            time.sleep(3)
            switches.append((begun, float(number)))
        answers = load.end()
    finally:
        if process.end() != 0:
            wrong.append("the server did not end in order")
    wrong += [each.broken for each in answers if each.broken][:3]
    quiet = [a.seconds for a in answers if a.at < switches[0][0]][len(answers) // 50 :]
    during: list[float] = []
    for begun, number in switches:
        first = next((a.at for a in answers if a.number == number), None)
        if first is None:
            wrong.append(f"version {number:g} never answered")
            continue
        during += [a.seconds for a in answers if begun < a.at <= first]
        # Version after version: nothing is answered by the old one once all have moved on.
        if any(a.number < number for a in answers if a.at > first + 2):
            wrong.append(f"a version before {number:g} answered long after it")
    failed = sum(1 for a in answers if a.broken)
    print(
        f"{versions} switches, {len(answers):,} requests of {clients} clients, {failed} failed; p50 and p99 {percentile(quiet, 50):.2f} and "
        f"{percentile(quiet, 99):.2f} ms before, {percentile(during, 50):.2f} and {percentile(during, 99):.2f} ms while a version was loaded"
    )
    return "; ".join(wrong)


def main() -> int:
    """Runs both; the status is 1 if something was wrong."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.serving.trials", description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="of kills and switches")
    parsed = parser.parse_args()
    status = 0
    for trial in (kill_workers, switch_versions):
        with tempfile.TemporaryDirectory() as folder:
            wrong = trial(pathlib.Path(folder), parsed.count)
        if wrong:
            print(f"{trial.__name__}: {wrong}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
