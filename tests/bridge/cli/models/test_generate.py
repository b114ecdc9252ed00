"""`penstock generate` prints what a language model goes on with."""

import io

import pytest

import penstock as tf
from penstock._src.bridge.cli.commands import main
from penstock._src.formats.gguf.writing import write
from tests.language.tiny import gguf_of

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write(gguf_of("llama", "Q4_1"), str(path))
    return str(path)


def test_texts_are_those_of_the_model(path, capsys):
    model = tf.language.load(path)
    options = ["--max-tokens", "8", "--temperature", "0.9", "--seed", "4", "--stop", "zzz"]
    assert main(["generate", path, " abc", *options]) == 0
    wanted = model.generate(" abc", max_tokens=8, temperature=0.9, seed=4)
    assert capsys.readouterr().out == f"{wanted}\n"


def test_lines_are_messages_of_one_conversation(path, capsys, monkeypatch):
    pytest.importorskip("jinja2")
    monkeypatch.setattr("sys.stdin", io.StringIO("abc\nabcab\n"))
    assert main(["generate", path, "--chat", "--max-tokens", "5", "--system", "b"]) == 0
    model = tf.language.load(path)
    messages = [{"role": "system", "content": "b"}]
    for text in ("abc", "abcab"):
        messages.append({"role": "user", "content": text})
        messages.append({"role": "assistant", "content": model.chat(messages, max_tokens=5)})
    assert capsys.readouterr().out == f"{messages[2]['content']}\n{messages[4]['content']}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.gguf", "abc"], "none.gguf"),
        (["tiny.gguf", "abc", "--top-p", "7"], "top_p"),
        (["tiny.gguf", "abc", "--length", "0"], "length"),
    ],
)
def test_refusals_are_one_line(path, arguments, message, capsys):
    model = path if arguments[0] == "tiny.gguf" else arguments[0]
    assert main(["generate", model, *arguments[1:]]) == 2
    said = capsys.readouterr().err
    assert message in said and said.startswith("penstock generate: ") and said.count("\n") == 1
