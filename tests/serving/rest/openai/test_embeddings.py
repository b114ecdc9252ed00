"""/v1/embeddings: an encoder's vectors of texts."""

import base64
import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.language.tiny import save_bert
from tests.serving.kit import Rest, save_writer

pytest.importorskip("tokenizers")
PATH = "/v1/embeddings"
TEXTS = ["a cat sleeps", "a dog", "cat cat cat cat", "a"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_writer(root / "writer" / "1")
    return save_bert(root / "bert" / "1").parent.parent


@pytest.fixture(scope="module")
def rest(folder):
    models = tuple(ModelConfig(name, str(folder / name)) for name in ("writer", "bert"))
    with running(Options(models, rest_port=0, grpc_port=-1)) as server:
        yield Rest(server.rest_port)


@pytest.fixture(scope="module")
def encoder(folder):
    return tf.language.load_encoder(folder / "bert" / "1")


def vectors(reply):
    assert [each["index"] for each in reply["data"]] == list(range(len(reply["data"])))
    return np.array([each["embedding"] for each in reply["data"]], np.float32)


def test_vectors_are_the_encoders(rest, encoder):
    status, reply = rest(PATH, {"model": "bert", "input": TEXTS})
    assert status == 200 and reply["object"] == "list" and reply["model"] == "bert"
    np.testing.assert_allclose(vectors(reply), encoder.encode(TEXTS), atol=1e-6)
    count = sum(len(encoder.tokenizer.encode(text)) for text in TEXTS)
    assert reply["usage"] == {"prompt_tokens": count, "total_tokens": count}


def test_one_text_and_tokens_and_base64(rest, encoder):
    expected = encoder.encode(TEXTS[:1])
    tokens = encoder.tokenizer.encode(TEXTS[0])
    for given in (TEXTS[0], tokens, [tokens]):
        _, reply = rest(PATH, {"model": "bert", "input": given, "dimensions": 32})
        np.testing.assert_allclose(vectors(reply), expected, atol=1e-6)
    _, reply = rest(PATH, {"model": "bert", "input": TEXTS[0], "encoding_format": "base64"})
    held = np.frombuffer(base64.b64decode(reply["data"][0]["embedding"]), "<f4")
    np.testing.assert_allclose(held, expected[0], atol=1e-6)


def test_several_clients_at_a_time(rest, encoder):
    found = {}

    def ask(at):
        given = [TEXTS[(at + n) % 4] for n in range(70)]
        found[at] = vectors(rest(PATH, {"model": "bert", "input": given})[1]), given

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at in range(8):
        np.testing.assert_allclose(found[at][0], encoder.encode(found[at][1]), atol=1e-6)


def test_encoders_are_listed(rest):
    _, reply = rest("/v1/models")
    assert [model["id"] for model in reply["data"]] == ["bert", "writer"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"model": "writer"}, 400, "makes no vectors"),
        ({"model": "nobody"}, 404, "nobody"),
        ({"model": None}, 400, "'model'"),
        ({"input": None}, 400, "'input'"),
        ({"input": ""}, 400, "'input'"),
        ({"input": []}, 400, "'input'"),
        ({"input": ["a", ""]}, 400, "'input'"),
        ({"input": [1, "a"]}, 400, "'input'"),
        ({"input": [[1], [2.5]]}, 400, "'input'"),
        ({"input": [10**6]}, 400, "'input'"),
        ({"input": [-1]}, 400, "'input'"),
        ({"input": "a " * 600}, 400, "'input'"),
        ({"input": ["a"] * 2049}, 400, "'input'"),
        ({"encoding_format": "int8"}, 400, "'encoding_format'"),
        ({"dimensions": 8}, 400, "'dimensions'"),
        ({"dimensions": "8"}, 400, "'dimensions'"),
        ({"nothing": 1}, 400, "'nothing'"),
    ],
)
def test_wrong_members_are_named(rest, options, status, says):
    found, reply = rest(PATH, {"model": "bert", "input": "a", **options})
    assert found == status and says in reply["error"]["message"]
