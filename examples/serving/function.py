"""A serverless function: answers events with a packed model, without a compiler.

Beside it lie `model`, a SavedModel with a pack, and `trusted`, a folder with its maker's public key; `function_zip.py` puts all of it into an archive
(docs/packs.md). AWS Lambda's name of the handler is `function.handler`; others pass their requests' bodies.
"""

import json
import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
os.environ.setdefault("PENSTOCK_TRUSTED_KEYS", str(FOLDER / "trusted"))
os.environ.setdefault(
    "PENSTOCK_CACHE_DIR", "none"
)  # nothing is compiled, and functions may not write

import penstock as tf  # noqa: E402
import numpy as np  # noqa: E402

# Loaded once for all events of a process.
answers = tf.saved_model.load(str(FOLDER / "model")).signatures["serving_default"]
specs = answers.structured_input_signature[1]


def handler(event, context=None):
    """Answers {"inputs": {name: value}}, or an HTTP event that has it as its body, with {"outputs": {name: value}}."""
    body = json.loads(event["body"]) if "body" in event else event
    try:
        given = body["inputs"]
        inputs = {name: tf.constant(given[name], spec.dtype) for name, spec in specs.items()}
    except (KeyError, TypeError, ValueError) as error:
        return reply(400, {"error": f"expected inputs {', '.join(specs)}: {error!r}"})
    return reply(
        200, {"outputs": {k: np.asarray(v).tolist() for k, v in answers(**inputs).items()}}
    )


def reply(status, content):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(content),
    }
