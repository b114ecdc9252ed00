"""Hunts: `python -m tests.fuzz.serving --minutes 5`, `--within --count 1000000` for many, or `--seed 7` for one case."""

import argparse
import pathlib
import sys
import tempfile
import time

from tests.fuzz.serving import within
from tests.fuzz.serving.asking import Asker
from tests.fuzz.serving.cases import case_of
from tests.fuzz.serving.others import Correct, Slow, percentile
from tests.fuzz.serving.served import Process, save_models

REPORT_SECONDS = 10.0
# Shorter than a server's, so that many come and go.
TRANSFER_SECONDS = 5


def main() -> int:
    """Runs what the command line asks for; the status is 1 if anything is found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.serving", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--count", type=int, default=0, help="of cases, in place of minutes")
    parser.add_argument("--first", type=int, default=1000, help="seed of the first")
    parser.add_argument("--seed", type=int, help="runs one case and shows it")
    parser.add_argument("--slow", type=int, default=200, help="slow clients")
    parser.add_argument("--within", action="store_true", help="--count cases, without sockets")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = save_models(pathlib.Path(folder))
        if parsed.within:
            return within.hunt(models, parsed.first, parsed.count)
        arguments = [f"--model-config-file={models}", f"--transfer-seconds={TRANSFER_SECONDS}"]
        process = Process(arguments, pathlib.Path(folder) / "log")
        try:
            return _one(process, parsed.seed) if parsed.seed is not None else _hunt(process, parsed)
        finally:
            process.end()


def _one(process: Process, seed: int) -> int:
    case = case_of(seed)
    print(case)
    asker = Asker(process.rest_port, process.grpc_port)
    wrong = asker.ask(case)
    print(wrong or asker.counts)
    print(process.log.read_text(errors="replace")[-5000:])
    return 1 if wrong else 0


def _hunt(process: Process, parsed: argparse.Namespace) -> int:
    asker = Asker(process.rest_port, process.grpc_port)
    correct = Correct(process.rest_port, process.grpc_port)
    time.sleep(3)
    quiet = correct.times()
    slow = Slow(process.rest_port, process.grpc_port, parsed.slow)
    found: list[str] = []
    memory: list[int] = []
    begun = said = time.monotonic()
    end = begun + 60 * parsed.minutes
    seed = parsed.first
    busy: list[float] = []
    while seed < parsed.first + parsed.count if parsed.count else time.monotonic() < end:
        wrong = asker.ask(case_of(seed))
        if wrong:
            found.append(f"--seed {seed}: {wrong}")
            print(found[-1], flush=True)
        seed += 1
        if time.monotonic() - said > REPORT_SECONDS:
            said = time.monotonic()
            memory.append(process.memory())
            busy += correct.times()
            rate = (seed - parsed.first) / (said - begun)
            print(
                f"{seed - parsed.first:,} cases, {rate:.0f}/s, {memory[-1] / 1e6:.0f} MB",
                flush=True,
            )
        if not process.is_alive():
            print(
                f"The server died by seed {seed - 1} or a slow client: {process.log.read_text(errors='replace')[-3000:]}"
            )
            return 1
    slow.end()
    asker.close()
    time.sleep(1)
    after = correct.times()
    correct.end()
    for what, number in sorted(asker.counts.items()):
        print(f"{number:9,} {what}")
    print(f"{slow.thrown_out:,} slow clients were thrown out")
    for name, times in (("before", quiet), ("during", busy), ("after", after[-200:])):
        print(
            f"correct clients {name}: {len(times):,}, p50 {percentile(times, 50):.2f} ms, p99 {percentile(times, 99):.2f} ms"
        )
    growth = _growth(memory)
    print(
        f"memory over the last half: {growth:+.1%}, {memory[-1] / 1e6 if memory else 0:.0f} MB at the end"
    )
    print(f"{len(found)} found in {seed - parsed.first:,} cases")
    if process.log.stat().st_size > 100_000:
        found.append("the log")
        print(f"the log is long: {process.log.read_text(errors='replace')[:2000]}")
    return 1 if found or growth > 0.05 else 0


def _growth(memory: list[int]) -> float:
    """How much larger the last quarter is than the third."""
    quarter = len(memory) // 4
    if not quarter:
        return 0.0
    third, last = memory[-2 * quarter : -quarter], memory[-quarter:]
    return sum(last) / sum(third) - 1


if __name__ == "__main__":
    sys.exit(main())
