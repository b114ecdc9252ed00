"""Versions are found, loaded, switched and unloaded."""

import os
import shutil
import threading
import types

import pytest

from penstock._src.core.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError
from penstock._src.serving.models import folders
from penstock._src.serving.models.config import ModelConfig, VersionPolicy
from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.models.status import State
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.server import Server
from tests.serving.kit import HalfPlusTwo, Rest, save


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Versions 1 to 3, which add 1, 2 and 3."""
    root = tmp_path_factory.mktemp("versions")
    for number in (1, 2, 3):
        save(HalfPlusTwo(1.0, float(number)), root / str(number))
    return root


@pytest.fixture
def manager():
    server = Server(Options((), warms_up=False))
    yield server.manager
    server.manager.close()
    server.scheduler.close()


class Loaded:
    """A version that answers nothing."""

    def __init__(self, name, number, path):
        self.name, self.number, self.servable = name, number, types.SimpleNamespace(path=path)

    def close(self):
        pass


def states(manager, name="m"):
    return {status.number: status.state for status in manager.status(name)}


def numbers(manager, name="m"):
    return sorted(manager.table.loaded().get(name, {}))


@pytest.mark.parametrize(
    "policy, expected",
    [
        (VersionPolicy(), [3]),
        (VersionPolicy("latest", 2), [2, 3]),
        (VersionPolicy("all"), [1, 2, 3]),
        (VersionPolicy("specific", versions=(1, 3, 9)), [1, 3]),
    ],
)
def test_policies(policy, expected):
    assert policy.chosen([3, 1, 2]) == expected


def test_folders_of_versions(models, tmp_path):
    assert sorted(folders.versions(str(models))) == [1, 2, 3]
    shutil.copytree(models / "1", tmp_path / "0007")
    (tmp_path / "8").mkdir()  # nothing in it yet
    shutil.copytree(models / "1", tmp_path / "latest")
    assert folders.versions(str(tmp_path)) == {7: str(tmp_path / "0007")}
    assert folders.versions(str(models / "2")) == {1: str(models / "2")}
    with pytest.raises(NotFoundError):
        folders.versions(str(tmp_path / "none"))


def test_changes_are_told_once(models, tmp_path):
    told = []
    manager = ModelManager(ModelTable(), Loaded, changed=lambda: told.append(numbers(manager)))
    shutil.copytree(models / "1", tmp_path / "1")
    manager.configure([ModelConfig("m", str(tmp_path))])
    manager.update()
    assert told == [[1]]
    shutil.copytree(models / "2", tmp_path / "2")
    manager.update()
    manager.update()
    assert told == [[1], [2]]


def test_new_versions_take_over_and_old_ones_go(manager, models, tmp_path):
    root = tmp_path / "m"
    shutil.copytree(models / "1", root / "1")
    manager.configure([ModelConfig("m", str(root))])
    assert numbers(manager) == [1]
    shutil.copytree(models / "2", root / "2")
    manager.update()
    assert numbers(manager) == [2]
    assert states(manager) == {1: State.END, 2: State.AVAILABLE}
    shutil.rmtree(root / "2")
    manager.update()
    assert numbers(manager) == [1]


def test_a_version_that_does_not_load_leaves_the_old(manager, models, tmp_path):
    root = tmp_path / "m"
    shutil.copytree(models / "1", root / "1")
    manager.configure([ModelConfig("m", str(root))])
    shutil.copytree(models / "2", root / "2")
    index = next((root / "2" / "variables").glob("*.index"))
    whole = index.read_bytes()
    index.write_bytes(whole[:-20])
    manager.update()
    assert numbers(manager) == [1]
    (failed, _) = manager.status("m")
    assert (failed.number, failed.state) == (2, State.END) and failed.error_code
    index.write_bytes(whole)  # the copy is complete now
    manager.update()
    assert numbers(manager) == [2]


def test_a_folder_that_vanishes_leaves_what_is_loaded(manager, models, tmp_path):
    root = tmp_path / "m"
    shutil.copytree(models / "1", root / "1")
    manager.configure([ModelConfig("m", str(root))])
    os.rename(root, tmp_path / "away")
    manager.update()
    assert numbers(manager) == [1]


def test_a_model_at_another_path_is_loaded_again(manager, models, tmp_path):
    for number in (1, 2):
        shutil.copytree(models / str(number), tmp_path / f"m{number}" / "1")
        manager.configure([ModelConfig("m", str(tmp_path / f"m{number}"))])
        with manager.table.using("m") as version:
            assert version.servable.path == str(tmp_path / f"m{number}" / "1")


def test_labels_name_versions_that_answer(manager, models):
    policy = VersionPolicy("all")
    manager.configure([ModelConfig("m", str(models), policy, {"stable": 1, "canary": 3})])
    for label, number in {"stable": 1, "canary": 3}.items():
        with manager.table.using("m", label=label) as version:
            assert version.number == number
    with pytest.raises(InvalidArgumentError, match="Unrecognized servable version label: no"):
        with manager.table.using("m", label="no"):
            pass


def test_a_memory_budget(models):
    size = sum(file.stat().st_size for file in (models / "1").rglob("*") if file.is_file())
    server = Server(Options((), warms_up=False, memory_budget=int(size * 1.5)))
    try:
        server.manager.configure([ModelConfig("m", str(models), VersionPolicy("all"))])
        assert numbers(server.manager) == [1]
        error = server.manager.status("m", 2)[0].error
        assert isinstance(error, ResourceExhaustedError)
        assert f"of the {int(size * 1.5):,} that the memory budget allows" in str(error)
    finally:
        server.manager.close()
        server.scheduler.close()


def test_models_of_one_name(manager, models):
    config = ModelConfig("m", str(models))
    with pytest.raises(InvalidArgumentError, match="two models of the name 'm'"):
        manager.configure([config, config])


def test_no_request_is_lost_while_versions_change(models, tmp_path):
    root = tmp_path / "m"
    shutil.copytree(models / "1", root / "1")
    options = Options((ModelConfig("m", str(root)),), rest_port=0, grpc_port=-1, poll_seconds=0)
    ended, replies, unexpected = threading.Event(), set(), []
    with running(options) as server:

        def ask():
            rest = Rest(server.rest_port)
            while not ended.is_set():
                status, reply = rest("/v1/models/m:predict", {"instances": [1.0]})
                replies.add(str(reply.get("predictions")))
                if status != 200:
                    unexpected.append(reply)

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        for number in (2, 3):
            shutil.copytree(models / str(number), root / "copied")
            os.rename(root / "copied", root / str(number))
            server.manager.update()
        ended.set()
        for client in clients:
            client.join()
        status, reply = Rest(server.rest_port)("/v1/models/m:predict", {"instances": [1.0]})
    assert not unexpected
    assert reply == {"predictions": [4.0]} and replies <= {"[2.0]", "[3.0]", "[4.0]"}


def test_a_folder_without_versions_is_reported_once(manager, tmp_path, caplog):
    manager.configure([ModelConfig("half", str(tmp_path))])
    manager.update()
    (said,) = [record for record in caplog.records if record.name == "penstock.serving"]
    assert said.levelname == "WARNING" and f"{tmp_path} is not a model" in said.getMessage()
