"""Requests to drawn models, joined as `penstock serve` joins them, beside each request alone: `python -m tests.fuzz.serving.joins --count 200`.

A request that is joined has the numbers or the error that it has alone.
"""

import argparse
import collections
import sys
from typing import Any, NamedTuple

import numpy as np

from penstock._src.serving.batching.execution import compute
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.request import Request
from penstock._src.serving.servables.formats.functions import signature_of_function
from tests.fuzz import counts
from tests.fuzz.serving.joined_models import draw, request

BATCHES, REQUESTS = 12, 4


class Outcome(NamedTuple):
    """What came of a model.

    names     of its steps
    wrong     differences between requests joined and alone
    requests  of batches that were joined, and all
    is_alone  True if no step mixes rows
    is_joined True if its requests may be joined
    refused   requests with an error, alone
    """

    names: list[str]
    wrong: list[str]
    joined: int
    requests: int
    is_alone: bool
    is_joined: bool
    refused: int


def run(seed: int) -> Outcome:
    """Draws a model and its requests, and compares them."""
    random = np.random.default_rng(seed)
    model = draw(random)
    outputs = model.function.graph.structured_outputs
    signature = signature_of_function("f", model.function, ["x"], outputs)
    queue = Queue(signature, "m", BatchingParameters(max_batch_size=16), _ignore, _ignore, _ignore)
    wrong: list[str] = []
    joined = total = refused = 0
    for _ in range(BATCHES):
        arrays = [request(random, model.width) for _ in range(REQUESTS)]
        alone = [_alone(signature, array) for array in arrays]
        requests = [Request([array], len(array), _ignore) for array in arrays]
        joined += _joined(queue, requests)
        total += len(requests)
        for each, expected in zip(requests, alone, strict=True):
            refused += isinstance(expected, Exception)
            difference = _difference(each, expected)
            if difference:
                wrong.append(f"{[len(array) for array in arrays]} rows: {difference}")
    is_joined = queue.joining.allows(((model.width,),))
    return Outcome(model.names, wrong, joined, total, model.is_alone, is_joined, refused)


def _ignore(*_: Any) -> None:
    """Schedules nothing: batches are taken here."""


def _alone(signature: Any, array: np.ndarray) -> Any:
    """The outputs of a request, or its error."""
    try:
        return signature.run([array])
    except Exception as error:
        return error


def _joined(queue: Queue, requests: list[Request]) -> int:
    """Computes requests that wait at the same time; returns how many shared their batch."""
    for each in requests:
        queue.put(each)
    shared = left = 0
    while left < len(requests):
        queue.prove_next()
        batch = queue.take()
        left += len(batch)
        shared += len(batch) if len(batch) > 1 else 0
        compute(queue, batch)
        queue.finished()
    return shared


def _difference(answer: Request, expected: Any) -> str:
    """How an answer differs from that of the request alone; "" if it does not."""
    if isinstance(expected, Exception) or answer.error is not None:
        if type(expected) is type(answer.error) and str(expected) == str(answer.error):
            return ""
        return f"{answer.error or 'an answer'!r:.200} instead of {expected!r:.200}"
    for got, wanted in zip(answer.outputs, expected, strict=True):
        if got.shape != wanted.shape:
            return f"shape {got.shape} instead of {wanted.shape}"
        finite = np.abs(wanted[np.isfinite(wanted)])
        # Rounding of products and sums of a row: its numbers are small multiples of a sixteenth.
        tolerance = 1e-5 * (1.0 + (float(finite.max()) if finite.size else 0.0))
        if not np.allclose(got, wanted, 1e-4, tolerance, equal_nan=True):
            return f"{got.tolist()!r:.300} instead of {wanted.tolist()!r:.300}"
    return ""


def main() -> int:
    """Runs what the command line asks for; the status is 1 if anything is found."""
    parser = argparse.ArgumentParser("python -m tests.fuzz.serving.joins", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="models")
    parser.add_argument("--first", type=int, default=1000, help="seed of the first")
    parsed = parser.parse_args()
    totals: collections.Counter[str] = collections.Counter()
    finds = []
    for seed in range(parsed.first, parsed.first + parsed.count):
        outcome = run(seed)
        totals["models"] += 1
        totals["requests"] += outcome.requests
        totals["joined requests"] += outcome.joined
        totals["refused requests"] += outcome.refused
        totals["wrong answers"] += len(outcome.wrong)
        totals["models whose steps are by rows"] += outcome.is_alone
        totals["of these joined"] += outcome.is_alone and outcome.is_joined
        totals["models that mix rows"] += not outcome.is_alone
        totals["of these joined, which may be right"] += not outcome.is_alone and outcome.is_joined
        if outcome.wrong:
            print(f"seed {seed}: {outcome.names}: {outcome.wrong[0]}", flush=True)
            finds.append(counts.find(seed, "difference", f"{outcome.names}: {outcome.wrong[0]}"))
    for name, count in totals.items():
        print(f"{count:9,} {name}")
    last = parsed.first + parsed.count - 1
    shown = {name: totals[name] for name in ("models", "requests", "joined requests")}
    counts.add("make fuzz WHICH=serving JOINS=1", (parsed.first, last), shown, finds)
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
