"""`penstock generate`: the text that a language model goes on with."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = """Prints the text that a language model goes on with, as it comes. MODEL is a GGUF file, or a Hugging Face folder with safetensors.

Without PROMPT, it is read from the standard input; with --chat, each line there is a message of a conversation."""
# Option: type, default, description.
OPTIONS: dict[str, tuple[Any, Any, str]] = {
    "max-tokens": (int, 256, "that are generated at most"),
    "temperature": (float, 0.0, "0 takes the most likely token"),
    "top-k": (int, 0, "the number of most likely tokens to choose from; 0 for all"),
    "top-p": (float, 1.0, "only the most likely tokens whose probabilities add up to this"),
    "min-p": (float, 0.0, "only tokens at least this times as probable as the most likely one"),
    "repetition-penalty": (float, 1.0, "above 1, makes tokens that came before less likely"),
    "presence-penalty": (
        float,
        0.0,
        "is taken from the logits of tokens that were generated before",
    ),
    "frequency-penalty": (float, 0.0, "is taken from them for each time that they were generated"),
    "seed": (int, None, "of the random numbers"),
}


def main(arguments: Sequence[str]) -> int:
    """Generates a text; returns 0."""
    parsed = _parser().parse_args(arguments)
    # Each command loads what it needs.
    from penstock._src.util.process import collector

    with collector.paused(lasting=True):
        # Each command loads what it needs.
        from penstock._src.core.errors import OpError
        from penstock._src.language.model import load
        from penstock._src.language.network.needs import memory

    options = {name.replace("-", "_"): getattr(parsed, name.replace("-", "_")) for name in OPTIONS}
    options["stop"] = parsed.stop
    room = {"length": parsed.length, "packed": not parsed.unpacked, "cache": parsed.cache}
    try:
        if parsed.memory:
            print(memory(parsed.model, **room))
            return 0
        if parsed.schema:
            options["schema"] = json.loads(_read(parsed.schema))
        if parsed.grammar:
            options["grammar"] = _read(parsed.grammar)
        model = load(parsed.model, activations=parsed.activations, **room)
        with contextlib.suppress(KeyboardInterrupt):
            if parsed.chat or parsed.system:
                _chat(model, parsed, options)
            else:
                prompt = sys.stdin.read() if parsed.prompt is None else parsed.prompt
                _print(model.stream(prompt, **options))
    except (OpError, OSError, ValueError, ImportError) as error:
        raise refused(error) from error
    return 0


def _parser() -> Parser:
    parser = Parser("penstock generate", DESCRIPTION)
    parser.add_argument("model", metavar="MODEL", help="a .gguf file, or a folder")
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="the beginning, or a message")
    for name, (kind, default, text) in OPTIONS.items():
        shown = text if default is None else f"{text} (default {default})"
        parser.add_argument(f"--{name}", type=kind, default=default, help=shown)
    parser.add_argument("--stop", action="append", default=[], help="a text that ends it; several")
    parser.add_argument(
        "--chat", action="store_true", help="PROMPT is a message, which is answered"
    )
    parser.add_argument("--system", default="", help="a message of the system, before PROMPT")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--schema", metavar="FILE", help="a JSON schema that the text follows")
    form.add_argument("--grammar", metavar="FILE", help="of the text, in Lark's language")
    parser.add_argument("--length", type=int, help="tokens that there is room for (default 4096)")
    parser.add_argument(
        "--activations",
        choices=("float32", "bfloat16", "int8"),
        default="float32",
        help="what packed weights are multiplied by; int8 is faster and less exact, bfloat16 is between them (default float32)",
    )
    parser.add_argument(
        "--cache",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="the type of keys and values (default float32)",
    )
    parser.add_argument("--unpacked", action="store_true", help="unpacks weights to float32")
    parser.add_argument(
        "--memory", action="store_true", help="prints the memory that it would take, and ends"
    )
    return parser


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _chat(model: Any, parsed: Any, options: dict[str, Any]) -> None:
    """Answers one message, or those that are typed."""
    messages = [{"role": "system", "content": parsed.system}] if parsed.system else []
    lines = iter(sys.stdin) if parsed.prompt is None else iter([parsed.prompt])
    for line in lines:
        messages.append({"role": "user", "content": line.rstrip("\n")})
        answer = _print(model.stream(model.prompt_of(messages), **options))
        messages.append({"role": "assistant", "content": answer})


def _print(pieces: Any) -> str:
    """Prints pieces as they come; returns all of them."""
    printed = []
    for piece in pieces:
        print(piece, end="", flush=True)
        printed.append(piece)
    print(flush=True)
    return "".join(printed)
