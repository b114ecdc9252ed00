"""`penstock serve`: models behind REST and gRPC."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.cli.arguments import Parser, Refused

DESCRIPTION = """Serves models behind TensorFlow Serving's REST and gRPC APIs (docs/serving.md).

MODEL is a folder with a folder for each version, named by its number, as TensorFlow Serving's; a SavedModel's folder; or a `.keras` file. Options that
TensorFlow Serving has are taken in its spelling too."""


def main(arguments: Sequence[str]) -> int:
    """Serves models until SIGTERM or Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    # Each command loads what it needs.
    from penstock._src.core.errors import OpError
    from penstock._src.serving import process, requirements

    missing = requirements.missing()
    if missing:
        raise Refused(f"it needs {', '.join(missing)}: pip install 'penstock[serve]'.")
    logging.basicConfig(format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    try:
        process.run(_options(parsed), _say_started)
    except (OSError, OpError, ValueError) as error:
        raise Refused(str(error)) from error
    return 0


def _parser() -> Parser:
    parser = Parser("penstock serve", DESCRIPTION)
    parser.add_argument("model", nargs="?", help="what to serve")
    both = _both_spellings
    parser.add_argument(*both("model-base-path"), help="the same as MODEL")
    parser.add_argument(
        "--name",
        "--model-name",
        "--model_name",
        help="of the model; by default the last part of its path",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all")
    parser.add_argument(
        "--rest-port",
        *both("rest-api-port"),
        type=int,
        default=8501,
        help="of REST; 0 for a free one, -1 for none",
    )
    parser.add_argument(*both("max-batch-size"), type=int, help="rows of a joined batch")
    parser.add_argument(
        "--allow", default="", help="what models may do besides computing, as read_files,python"
    )
    return parser


def _both_spellings(name: str) -> tuple[str, ...]:
    """An option in our spelling and TensorFlow Serving's."""
    return tuple(dict.fromkeys((f"--{name}", f"--{name.replace('-', '_')}")))


def _options(parsed: argparse.Namespace) -> Any:
    # Each command loads what it needs.
    from penstock._src.serving.batching.parameters import BatchingParameters
    from penstock._src.serving.models.config import ModelConfig
    from penstock._src.serving.options import Options

    path = parsed.model or parsed.model_base_path
    if not path:
        raise Refused("expected a MODEL.")
    name = parsed.name or os.path.basename(os.path.abspath(path)).removesuffix(".keras")
    batching = {} if parsed.max_batch_size is None else {"max_batch_size": parsed.max_batch_size}
    return Options(
        models=(ModelConfig(name, path),),
        host=parsed.host,
        rest_port=parsed.rest_port,
        batching=BatchingParameters(**batching),
        allow=tuple(filter(None, parsed.allow.split(","))),
    )


def _say_started(server: Any) -> None:
    """Says where the server is, in one line."""
    names = ", ".join(sorted(server.table.loaded())) or "no model yet"
    print(
        f"Serving {names}: REST at http://{server.options.host}:{server.rest_port}/v1/models",
        flush=True,
    )
