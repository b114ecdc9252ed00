"""Makes recorded.json.gz: some drawn calls of each op with TensorFlow's answers.

python -m tests.conformance.refusals.graphs.draw tensorflow drawn.jsonl   where TensorFlow 2.21 is installed
python -m tests.conformance.refusals.graphs.record drawn.jsonl            where Penstock is installed
"""

import gzip
import json
import pathlib
import sys

import penstock as tf

TARGET = pathlib.Path(__file__).with_name("recorded.json.gz")
MOST_REFUSED, MOST_TAKEN = 4, 2


def main(path):
    """Keeps some calls of each op that Penstock has, refused ones first."""
    kept = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            pairs = [pair for pair in json.loads(line) if hasattr(tf.raw_ops, pair[0][0])]
            refused = [pair for pair in pairs if pair[1] == "ValueError"]
            taken = [pair for pair in pairs if not isinstance(pair[1], str)]
            step = max(1, len(refused) // MOST_REFUSED)
            kept += refused[::step][:MOST_REFUSED] + taken[-MOST_TAKEN:]
    text = "[" + ",\n".join(json.dumps(pair) for pair in kept) + "]\n"
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(len(kept), "calls,", TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
