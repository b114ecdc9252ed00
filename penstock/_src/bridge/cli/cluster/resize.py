"""`penstock resize`: another number of workers for an elastic job."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused
from penstock._src.cluster.elastic.membership import SERVICE
from penstock._src.cluster.rpc.channel import Channel
from penstock._src.core.errors import OpError

DESCRIPTION = """Changes the number of workers of a job of `penstock launch --elastic`, which goes on: JOB is the address that the launcher has printed, or
the file of its option --job. Prints what the job has then; workers come and go at a boundary between steps."""
ANSWER_WITHIN = 10.0  # seconds


def main(arguments: Sequence[str]) -> int:
    """Resizes a job; returns 0."""
    parser = Parser("penstock resize", DESCRIPTION, usage="penstock resize JOB [N]")
    parser.add_argument("job", help="address, or file with it")
    parser.add_argument("count", nargs="?", type=int, help="how many workers; only tells without")
    parsed = parser.parse_args(list(arguments))
    address = parsed.job
    if os.path.exists(address):
        with open(address, encoding="utf-8") as file:
            address = file.read().strip()
    if not address.rpartition(":")[2].isdecimal():
        raise Refused(f"{parsed.job} is neither a file nor HOST:PORT.")
    method, request = "Status", b""
    if parsed.count is not None:
        method, request = "Resize", json.dumps({"workers": parsed.count}).encode()
    try:
        told = json.loads(Channel(address, SERVICE, "the job").call(method, request, ANSWER_WITHIN))
    except OpError as error:
        raise Refused(error.message) from None
    print(f"{told['workers']} workers in generation {told['generation']}, {told['wanted']} wanted")
    return 0
