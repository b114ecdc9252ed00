"""Nothing outside of the models' folders is read: links, dots, and what clients ask to be loaded."""

import os

import grpc
import pytest

from penstock._src.core.errors import PermissionDeniedError
from penstock._src.serving.models import folders as model_folders
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.models.status import State
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.protos import config
from penstock._src.serving.server import Server
from penstock._src.serving.trust.folders import ReloadFolders, check_links
from tests.serving.kit import HalfPlusTwo, Rest, save

METHOD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"


def states(base_path, **more):
    """The states of a model's versions once they have been looked at, and why they are so."""
    server = Server(Options((), warms_up=False, **more))
    try:
        server.manager.configure([ModelConfig("m", str(base_path))])
        return [(each.number, each.state, str(each.error)) for each in server.manager.status("m")]
    finally:
        server.manager.close()
        server.scheduler.close()


def test_a_version_with_a_link_out_of_its_folder_is_refused(tmp_path):
    save(HalfPlusTwo(), tmp_path / "m" / "1")
    outside = tmp_path / "outside"
    outside.write_text("secret")
    (tmp_path / "m" / "1" / "assets").mkdir(exist_ok=True)
    os.symlink(outside, tmp_path / "m" / "1" / "assets" / "vocabulary.txt")
    ((_, state, error),) = states(tmp_path / "m")
    assert state is State.END and "vocabulary.txt is a link to" in error and "--allow" in error
    ((_, state, _),) = states(tmp_path / "m", allow=("read_files",))
    assert state is State.AVAILABLE


def test_links_within_the_models_folder_are_followed(tmp_path):
    save(HalfPlusTwo(), tmp_path / "elsewhere" / "1")
    save(HalfPlusTwo(), tmp_path / "m" / "..data" / "1")
    os.symlink("..data/1", tmp_path / "m" / "1")  # as Kubernetes mounts volumes
    os.symlink(
        tmp_path / "elsewhere" / "1", tmp_path / "m" / "2"
    )  # whoever serves the folder made it
    os.symlink(tmp_path / "m", tmp_path / "link")
    assert [(number, state) for number, state, _ in states(tmp_path / "link")] == [
        (2, State.AVAILABLE)
    ]
    check_links(str(tmp_path / "m" / "1"), str(tmp_path / "m"))
    os.symlink("../saved_model.pb", tmp_path / "m" / "..data" / "1" / "variables" / "again")
    check_links(str(tmp_path / "m" / "1"), str(tmp_path / "m"))
    os.symlink("/", tmp_path / "m" / "..data" / "1" / "all")
    for scheme in ("", "file://"):
        with pytest.raises(PermissionDeniedError, match="is a link to /, outside"):
            check_links(f"{scheme}{tmp_path}/m/1", f"{scheme}{tmp_path}/m")


@pytest.mark.parametrize(
    "root, path, is_allowed",
    [
        ("", "{base}/models/other", True),
        ("", "{base}/models/deep/er", True),
        ("", "{base}/models", True),
        ("", "{base}/models2/m", False),
        ("", "{base}/models/../models2/m", False),
        ("", "{base}/models/../models/m", False),
        ("", "{base}/models/leads_out/m", False),
        ("", "/etc", False),
        ("", "ram://models/m", False),
        ("", "http://example/models/m", False),
        ("{base}/models2", "{base}/models2/m", True),
        ("{base}/models2", "{base}/models/m", False),
        ("ram://models", "ram://models/m", True),
        ("ram://models", "ram://models2/m", False),
    ],
)
def test_where_clients_may_ask_for_models(tmp_path, root, path, is_allowed):
    (tmp_path / "models" / "m").mkdir(parents=True)
    (tmp_path / "models2" / "m").mkdir(parents=True)
    os.symlink(tmp_path / "models2", tmp_path / "models" / "leads_out")
    folders = ReloadFolders(root.format(base=tmp_path), [str(tmp_path / "models" / "m")])
    try:
        folders.check("m", path.format(base=tmp_path))
        assert is_allowed
    except PermissionDeniedError as error:
        assert not is_allowed and "--reload-root" in str(error)


def test_a_model_at_the_root_allows_itself_alone():
    folders = ReloadFolders("", ["/model"])
    folders.check("m", "/model")
    with pytest.raises(PermissionDeniedError):
        folders.check("m", "/etc")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save(HalfPlusTwo(), root / "half" / "1")
    save(HalfPlusTwo(), root.parent / f"{root.name}-secret" / "1")
    models = (ModelConfig("half", str(root / "half")),)
    with running(Options(models, rest_port=0, grpc_port=0)) as server:
        yield server, root


def test_a_client_that_asks_for_a_model_elsewhere(served):
    server, root = served
    request = config.ReloadConfigRequest()
    request.config.model_config_list.config.add(name="x", base_path=f"{root}-secret")
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        with pytest.raises(grpc.RpcError) as found:
            channel.unary_unary(METHOD)(request.SerializeToString())
    assert found.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert [each.name for each in server.manager.configs()] == ["half"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/../half:predict",
        "/v1/models/%2e%2e%2fhalf:predict",
        "/v1/models/half/versions/..:predict",
        "/v1/models/half/versions/../1:predict",
        "/v1/models/half%2f..%2fhalf:predict",
        "/v1/models/half/labels/..%2f1:predict",
        "/v1/models/half%00:predict",
    ],
)
def test_dots_in_names_and_versions(served, path):
    status, reply = Rest(served[0].rest_port)(path, {"instances": [1.0]})
    assert status in (400, 404) and "error" in reply


def test_numbers_that_are_no_versions(tmp_path):
    for name in ("1", "99999999999999999999", "-1", "1.0", "²"):
        save(HalfPlusTwo(), tmp_path / name)
    assert list(model_folders.versions(str(tmp_path))) == [1]
