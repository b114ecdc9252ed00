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


@pytest.mark.parametrize(
    ("words", "suggested"),
    [
        ("--kye maker", " Did you mean `--key` by --kye?"),
        ("--key maker --batch-size=3", " Did you mean `--batch_size` by --batch-size?"),
        ("--key maker show --dept 3", " Did you mean `--depth` by --dept?"),
        ("--key maker --nothing-like-it", ""),
        ("--batch_size x -- --kye", ""),
    ],
)
def test_an_unknown_option_that_resembles_one(words, suggested):
    parser = Parser("penstock pack")
    parser.add_argument("--key", required=True)
    parser.add_argument("--batch_size", type=int)
    show = parser.add_subparsers().add_parser("show")
    show.add_argument("--depth")
    with pytest.raises(Refused) as refusal:
        parser.parse_args(words.split())
    message, _, rest = str(refusal.value).partition(".")
    assert rest.partition(" `penstock pack")[0] == suggested, message


def test_an_unknown_option_before_a_program_that_resembles_one():
    with pytest.raises(Refused, match=r"program\. Did you mean `--seconds` by --second\?"):
        parsed("--second=5 train.py")
