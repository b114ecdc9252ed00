"""Options of a command around a program that has its own."""

import pytest

from penstock._src.bridge.cli.arguments import Parser, Refused, parse_with_program


def parsed(text):
    parser = Parser("penstock tune")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--all", action="store_true")
    options, program = parse_with_program(parser, text.split())
    return options.seconds, options.all, " ".join(program)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train.py", (1.0, False, "train.py")),
        ("--seconds 5 train.py a", (5.0, False, "train.py a")),
        ("train.py --seconds 5 a", (5.0, False, "train.py a")),
        ("train.py a --seconds=5 --all -b", (5.0, True, "train.py a -b")),
        ("train.py --epochs 3 --seconds 5", (5.0, False, "train.py --epochs 3")),
        ("train.py -- --seconds 5", (1.0, False, "train.py --seconds 5")),
        ("train.py --all -- a -- b", (1.0, True, "train.py a -- b")),
        ("-- train.py --all", (1.0, False, "train.py --all")),
        ("-m train --seconds 5 -m x", (5.0, False, "-m train -m x")),
        ("--all -m train --sec 5", (1.0, True, "-m train --sec 5")),
    ],
)
def test_options_wherever_they_stand(text, expected):
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a script"),
        ("-m", "expected a script"),
        ("--all", "expected a script"),
        ("--epochs 3 train.py", "unknown option --epochs"),
        ("train.py --seconds", "expected one argument"),
        ("train.py --seconds many", "invalid float value"),
    ],
)
def test_what_is_refused(text, reason):
    with pytest.raises(Refused, match=reason):
        parsed(text)
