"""`penstock serve`: models behind REST and gRPC."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.bridge.cli.arguments import Parser, Refused, refused
from penstock._src.util.process.installing import pip_install

if TYPE_CHECKING:
    from penstock._src.serving.batching.parameters import BatchingParameters
    from penstock._src.serving.generation.options import GenerationOptions
    from penstock._src.serving.models.config import ModelConfig
    from penstock._src.serving.options import Options
    from penstock._src.serving.server import Server
    from penstock._src.serving.trust.limits import Limits
    from penstock._src.serving.trust.tls import TLS

DESCRIPTION = """Serves models behind TensorFlow Serving's REST and gRPC APIs (docs/serving.md).

MODEL is a folder with a folder for each version, named by its number, as TensorFlow Serving's; a SavedModel's folder; a `.keras` file; or a language
model, a `.gguf` file or a Hugging Face folder, which answers OpenAI's paths. Options
that TensorFlow Serving has are taken in its spelling too."""
_SWITCH = {"true": True, "1": True, "false": False, "0": False}
_LAST_PORT = 65535


def switch(text: str) -> bool:
    """The value of an option that is true or false; the option alone is true."""
    value = _SWITCH.get(text.lower())
    if value is None:
        raise argparse.ArgumentTypeError(f"expected true or false. Received '{text}'")
    return value


def port(text: str) -> int:
    """A port of an option; -1 for none."""
    if not text.removeprefix("-").isdecimal() or not -1 <= int(text) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(
            f"expected a port up to {_LAST_PORT}, 0 for a free one or -1 for none. Received '{text}'"
        )
    return int(text)


def count(text: str) -> int:
    """A number of an option that is at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on. Received '{text}'")
    return int(text)


# Option (and TensorFlow Serving's name if it differs): type, default, description.
OPTIONS: dict[tuple[str, ...], tuple[Any, Any, str]] = {
    ("name", "model_name"): (str, None, "of the model; by default the last part of its path"),
    ("model-config-file",): (str, None, "text proto of models, in place of MODEL"),
    ("enable-batching",): (
        switch,
        False,
        "whether requests are joined without a proof that rows of the model are independent",
    ),
    ("batching-parameters-file",): (str, None, "text proto of limits of batches"),
    ("monitoring-config-file",): (str, None, "text proto of metrics"),
    ("host",): (str, "127.0.0.1", "address to listen at; 0.0.0.0 for all"),
    ("rest-port", "rest_api_port"): (port, 8501, "of REST; 0 for a free one, -1 for none"),
    ("grpc-port", "port"): (port, 8500, "of gRPC; 0 for a free one, -1 for none"),
    ("rest-api-timeout-in-ms",): (int, 30_000, "after which a request is given up; 0 for never"),
    ("max-batch-size",): (int, None, "rows of a joined batch; 64 by default, 1 joins nothing"),
    ("workers",): (count, 1, "processes that share the ports"),
    ("file-system-poll-wait-seconds",): (
        float,
        1.0,
        "between looks at the models' folders; 0: they are looked at once",
    ),
    ("enable-model-warmup",): (switch, True, "whether versions are run before they answer"),
    ("memory-budget",): (
        float,
        None,
        "megabytes that the models may take; 0 for no limit; by default three quarters of what a container's memory limit leaves",
    ),
    ("generation-queue",): (int, 64, "sequences that may wait for a slot of a model"),
    ("generation-tokens",): (int, 0, "of a generated reply; 0: as many as the model has room for"),
    ("generation-seconds",): (float, 600.0, "that a sequence may take; 0 for no limit"),
    ("generation-same-tokens",): (
        switch,
        True,
        "whether a sequence gets the same tokens alone and among others",
    ),
    ("generation-slots",): (count, 4, "sequences that a language model generates at a time"),
    ("generation-length",): (count, 2048, "tokens of a sequence of a language model, at most"),
    ("generation-cache",): (
        str,
        "float32",
        "the type of a language model's keys and values: float32, float16 or int8",
    ),
    ("generation-activations",): (
        str,
        "float32",
        "what a language model's packed weights are multiplied by: float32, or rounded to bfloat16 or int8",
    ),
    ("generation-prefixes",): (
        float,
        256.0,
        "megabytes of prompts' beginnings that each model keeps for others that begin alike; 0 for none",
    ),
    ("tls-certificate",): (str, "", "PEM file of the server's certificate, for REST and gRPC"),
    ("tls-key",): (str, "", "PEM file of its private key"),
    ("tls-client-ca",): (str, "", "PEM file of who signs the certificates that clients must have"),
    ("ssl-config-file",): (str, "", "text proto of certificates, for gRPC"),
    ("reload-root",): (
        str,
        "",
        "folder of models that clients may have loaded; by default those beside the models",
    ),
    ("api-keys",): (str, "", "file of API keys; each request needs one of them"),
    ("access-log",): (str, "", "file that requests are written to; - for the standard output"),
    ("drain-seconds",): (float, 30.0, "that requests have to end after SIGTERM"),
    ("allow",): (str, "", "what models may do besides computing, as read_files,python"),
    ("pack",): (
        str,
        "",
        "file of a secret key: models without a pack of machine code that may be used get one before they are served",
    ),
}
_MEGABYTE = 1 << 20
# Fields of `Limits`: option, factor from the option's unit to the field's, description. Defaults are those of the record.
LIMITS = {
    "max_body_bytes": ("max-body", _MEGABYTE, "megabytes of a request, decompressed"),
    "max_header_bytes": ("max-headers", 1 << 10, "kilobytes of a request's headers"),
    "max_tensor_bytes": ("max-tensor", _MEGABYTE, "megabytes of one input"),
    "max_string_bytes": ("max-string", _MEGABYTE, "megabytes of one string in an input"),
    "max_values": (
        "max-values",
        1,
        "of a JSON text, besides arrays of numbers that are read apart",
    ),
    "max_rows": ("max-rows", 1, "of a request, along its batch axis"),
    "max_requests": ("max-requests", 1, "that are computed or wait at a time"),
    "max_held_bytes": ("max-held", _MEGABYTE, "megabytes of all requests at a time"),
    "max_connections": ("max-connections", 1, "of REST, and as many of gRPC, at a time"),
    "transfer_seconds": (
        "transfer-seconds",
        1,
        "for headers, for a body, and for reading a reply",
    ),
    "transfer_bytes_per_second": (
        "transfer-rate",
        1 << 10,
        "kilobytes a second; what is as fast may take longer",
    ),
    "idle_seconds": ("idle-seconds", 1, "after which an idle connection is closed"),
    "max_call_seconds": ("max-call-seconds", 1, "after which a gRPC connection is to end"),
}


def main(arguments: Sequence[str]) -> int:
    """Serves models until SIGTERM or Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    with _ends_at_once():
        return _serve(parsed)


def _serve(parsed: argparse.Namespace) -> int:
    # Each command loads what it needs.
    from penstock._src.core.errors import OpError
    from penstock._src.util.process import collector

    with collector.paused(lasting=True):
        # Each command loads what it needs.
        from penstock._src.serving import requirements
        from penstock._src.serving.processes import process

        missing = requirements.missing()
    if missing:
        raise Refused(f"it needs {', '.join(missing)}: {pip_install('serve')}.")
    logging.basicConfig(format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    try:
        options = _options(parsed)
        if parsed.pack:
            _pack(options, parsed.pack)
        if options.workers > 1:
            # One process does without it.
            from penstock._src.serving.processes.supervisor import Supervisor

            Supervisor(options).run(_say_workers)
        else:
            process.run(options, _say_started)
    except (OSError, OpError, ValueError) as error:
        raise refused(error) from error
    return 0


def _pack(options: Any, key: str) -> None:
    """Writes packs beside the versions that are served and have none that may be used."""
    # Each command loads what it needs.
    from penstock._src.aot.packing import pack_saved_model
    from penstock._src.saving.saved_model.files import contains_saved_model, pack_in
    from penstock._src.serving.inference.trial import run_as_served
    from penstock._src.serving.models.folders import versions

    for model in options.models:
        folders = versions(model.base_path)
        for number in model.policy.chosen(sorted(folders)):
            folder = folders[number]
            if contains_saved_model(folder) and pack_in(folder) is None:
                report = pack_saved_model(folder, key, exercise=lambda f=folder: run_as_served(f))  # type: ignore[misc]
                print(
                    f"{folder}: packed {report.kernels:,} kernels, {report.code_bytes:,} bytes.",
                    flush=True,
                )


@contextlib.contextmanager
def _ends_at_once() -> Iterator[None]:
    """Within the block, until a server has its own handler, SIGTERM ends the process.

    Without a handler, the first process of a container ignores the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> Parser:
    # Each command loads what it needs.
    from penstock._src.serving.trust.limits import Limits

    parser = Parser("penstock serve", DESCRIPTION)
    parser.add_argument("model", nargs="?", help="what to serve")
    parser.add_argument(*_spellings("model-base-path"), help="the same as MODEL")
    for names, (kind, default, text) in OPTIONS.items():
        if kind is switch:
            shown = f"{text} (default {str(default).lower()})"
            parser.add_argument(
                *_spellings(*names), type=kind, default=default, nargs="?", const=True, help=shown
            )
            continue
        shown = text if default in (None, "") else f"{text} (default {default})"
        parser.add_argument(*_spellings(*names), type=kind, default=default, help=shown)
    for field, (name, unit, text) in LIMITS.items():
        default = getattr(Limits, field) / unit
        shown = f"{text} (default {default:g})"
        parser.add_argument(*_spellings(name), type=float, default=default, help=shown)
    return parser


def _limits(parsed: argparse.Namespace) -> Limits:
    # Each command loads what it needs.
    from penstock._src.serving.trust.limits import Limits

    limits = {}
    for field, (name, unit, _) in LIMITS.items():
        value = getattr(parsed, name.replace("-", "_")) * unit
        limits[field] = type(getattr(Limits, field))(value)
    return Limits(**limits)


def _spellings(*names: str) -> list[str]:
    """An option's names, in our spelling and TensorFlow Serving's."""
    both = [f"--{form}" for name in names for form in (name, name.replace("-", "_"))]
    return list(dict.fromkeys(both))


def _options(parsed: argparse.Namespace) -> Options:
    # Each command loads what it needs.
    from penstock._src.serving.models import config_files
    from penstock._src.serving.options import Options

    batching, threads = _batching(parsed)
    more: dict[str, Any] = {"batch_threads": threads} if threads else {}
    if parsed.monitoring_config_file:
        more["metrics_path"] = config_files.read_metrics_path(parsed.monitoring_config_file)
    return Options(
        models=_models(parsed),
        host=parsed.host,
        rest_port=parsed.rest_port,
        grpc_port=parsed.grpc_port,
        batching=batching,
        timeout=parsed.rest_api_timeout_in_ms / 1000,
        limits=_limits(parsed),
        tls=_tls(parsed),
        ssl_config_file=parsed.ssl_config_file,
        reload_root=parsed.reload_root,
        api_keys=parsed.api_keys,
        access_log=parsed.access_log,
        poll_seconds=parsed.file_system_poll_wait_seconds,
        model_config_file=parsed.model_config_file or "",
        memory_budget=_memory_budget(parsed),
        allow=tuple(filter(None, parsed.allow.split(","))),
        workers=parsed.workers,
        generation=_generation(parsed),
        warms_up=parsed.enable_model_warmup,
        drain_seconds=parsed.drain_seconds,
        **more,
    )


def _models(parsed: argparse.Namespace) -> tuple[ModelConfig, ...]:
    """The models to serve: the one of the command line, or those of the configuration file."""
    # Each command loads what it needs.
    from penstock._src.filesystems import files
    from penstock._src.serving.models import config_files
    from penstock._src.serving.models.config import ModelConfig

    path = parsed.model or parsed.model_base_path
    if bool(path) == bool(parsed.model_config_file):
        raise Refused("expected a MODEL, or --model-config-file.")
    if not path:
        return config_files.read_models(parsed.model_config_file)
    if not files.exists(path):
        raise Refused(f"{path}: there is no such file or folder.")
    name = os.path.basename(os.path.abspath(path))
    return (ModelConfig(parsed.name or name.removesuffix(".keras").removesuffix(".gguf"), path),)


def _generation(parsed: argparse.Namespace) -> GenerationOptions:
    # Each command loads what it needs.
    from penstock._src.serving.generation.options import GenerationOptions
    from penstock._src.serving.servables.servable import Room

    room = Room(
        parsed.generation_slots,
        parsed.generation_length,
        int(parsed.generation_prefixes * _MEGABYTE),
        parsed.generation_cache,
        parsed.generation_activations,
    )
    return GenerationOptions(
        parsed.generation_queue,
        parsed.generation_tokens,
        parsed.generation_seconds,
        parsed.generation_same_tokens,
        room,
    )


def _memory_budget(parsed: argparse.Namespace) -> int:
    """The bytes that the models of a process may take; 0 for no limit."""
    # Each command loads what it needs.
    from penstock._src.serving.models.budget import default_budget

    if parsed.memory_budget is not None:
        return int(parsed.memory_budget * _MEGABYTE)
    return default_budget(parsed.workers)


def _tls(parsed: argparse.Namespace) -> TLS | None:
    # Each command loads what it needs.
    from penstock._src.serving.trust.tls import TLS

    if bool(parsed.tls_certificate) != bool(parsed.tls_key):
        raise Refused("expected both --tls-certificate and --tls-key.")
    if not parsed.tls_certificate:
        if parsed.tls_client_ca:
            raise Refused("--tls-client-ca needs --tls-certificate and --tls-key.")
        return None
    tls = TLS(parsed.tls_certificate, parsed.tls_key, parsed.tls_client_ca)
    tls.read()  # files that cannot be read are refused before models are loaded
    return tls


def _batching(parsed: argparse.Namespace) -> tuple[BatchingParameters, int]:
    """The limits of batches, and the number of threads; 0 if nothing says it."""
    # Each command loads what it needs.
    from penstock._src.serving.batching.parameters import BatchingParameters
    from penstock._src.serving.models.config_files import read_batching

    joins = parsed.enable_batching
    if parsed.batching_parameters_file:
        parameters, threads = read_batching(parsed.batching_parameters_file)
        return dataclasses.replace(parameters, joins_unproven=joins), threads
    options = {} if parsed.max_batch_size is None else {"max_batch_size": parsed.max_batch_size}
    return BatchingParameters(**options, joins_unproven=joins), 0


def _say_started(server: Server) -> None:
    """Prints the served models and their addresses, in one line."""
    names = ", ".join(sorted(server.table.loaded())) or "no model yet"
    _say(names, server.options, server.rest_port, server.grpc_port)


def _say_workers(options: Options) -> None:
    names = ", ".join(sorted(config.name for config in options.models))
    _say(f"{names} by {options.workers} processes", options, options.rest_port, options.grpc_port)


def _say(models: str, options: Options, rest_port: int, grpc_port: int) -> None:
    scheme, host = "https" if options.tls else "http", options.host
    addresses = [f"REST at {scheme}://{host}:{rest_port}/v1/models"] if rest_port >= 0 else []
    addresses += [f"gRPC at {host}:{grpc_port}"] if grpc_port >= 0 else []
    print(f"Serving {models}: {', '.join(addresses)}", flush=True)
