import pytest

from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock.serving import running
from tests.serving.kit import Rest, save_writer

CHAT = {"user": ("u.", " "), "assistant": ("a.", " ")}


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_writer(root / "writer" / "1", chat=CHAT)
    models = (ModelConfig("writer", str(root / "writer")),)
    options = Options(models, rest_port=0, grpc_port=-1, generation=GenerationOptions(200))
    with running(options) as server:
        yield Rest(server.rest_port)
