"""`penstock resize`: another number of workers for an elastic job."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused
from penstock._src.cluster.elastic import job_file
from penstock._src.cluster.elastic.membership import SERVICE
from penstock._src.cluster.rpc.channel import Channel
from penstock._src.core.errors import OpError

DESCRIPTION = """Changes the number of workers of a job of `penstock launch --elastic`, which goes on: JOB is the address that the launcher has printed, or
the file of its option --job. Prints what the job has then; workers come and go at a boundary between steps."""
ANSWER_WITHIN = 10.0  # seconds


def main(arguments: Sequence[str]) -> int:
    """Resizes a job; returns 0."""
    parser = Parser("penstock resize", DESCRIPTION, usage="penstock resize JOB [N]")
    parser.add_argument("job", metavar="JOB", help="address, or file with it")
    parser.add_argument(
        "count", metavar="N", nargs="?", type=int, help="how many workers; only tells without"
    )
    parsed = parser.parse_args(list(arguments))
    try:
        address, job = _place(parsed.job)
        method, request = "Status", {"job": job}
        if parsed.count is not None:
            method, request["workers"] = "Resize", str(parsed.count)
        channel = Channel(address, SERVICE, "the job")
        told = json.loads(channel.call(method, json.dumps(request).encode(), ANSWER_WITHIN))
    except OpError as error:
        raise Refused(error.message) from None
    except OSError as error:
        raise Refused(f"{parsed.job} cannot be read: {error.strerror}.") from None
    print(f"{told['workers']} workers in generation {told['generation']}, {told['wanted']} wanted")
    return 0


def _place(job: str) -> tuple[str, str]:
    """The address and the name of a job, from its file or its address."""
    if os.path.exists(job):
        return job_file.read(job)
    if ":" not in job:
        raise Refused(
            f"{job} is neither a file nor HOST:PORT. A job removes its file when it ends."
        )
    return job_file.parse(job, "JOB, if it is not a file,")
