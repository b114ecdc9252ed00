"""`penstock resize` and the options of elastic jobs: bad input is one line."""

import os

import pytest

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.cluster import elastic, launch, resize
from penstock._src.cluster.elastic import job_file
from penstock._src.cluster.elastic.membership import SERVICE, Membership
from penstock._src.cluster.rpc.server import RpcServer

pytest.importorskip("grpc")
NAME = "0123456789abcdef"


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\xfe", b"localhost:99999\n", b"localhost:0", b"http://a:1/", b"a" * 5000]
)  # fmt: skip
def test_files_that_are_not_of_a_job_are_refused(tmp_path, content):
    path = tmp_path / "job"
    path.write_bytes(content)
    with pytest.raises(Refused, match="job must hold HOST:PORT. Received"):
        resize.main([str(path), "2"])


@pytest.mark.parametrize("given", ["missing", "a:1:2:3", ":80", "localhost:x"])
def test_addresses_have_a_host_and_a_port(given):
    with pytest.raises(Refused, match=f"{given} is neither a file nor|must hold HOST:PORT"):
        resize.main([given, "2"])


def test_a_folder_is_not_a_job_file(tmp_path):
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        resize.main([str(tmp_path)])


@pytest.mark.timed
def test_a_job_file_reaches_its_own_job_only(tmp_path, capsys):
    membership = Membership(1, 3, 2, NAME)
    server = RpcServer(
        "localhost:0", SERVICE, {"Status": membership.status, "Resize": membership.resized}
    )
    path, address = str(tmp_path / "job"), f"localhost:{server.port}"
    try:
        job_file.write(path, address, NAME)
        assert resize.main([path, "3"]) == 0 and membership.wanted == 3
        assert "0 workers in generation 0, 3 wanted" in capsys.readouterr().out
        with pytest.raises(Refused, match=r"must be in \[1, 3\]"):
            resize.main([address, "4"])
        job_file.write(path, address, NAME[::-1])
        with pytest.raises(Refused, match="The job file is of an earlier job"):
            resize.main([path, "1"])
    finally:
        server.stop()
    job_file.remove(path, NAME)
    assert os.path.exists(path), "another job's file stays"


@pytest.mark.parametrize("given", ["3:4", "0:4", "4", "a:b", "1:1", "1:1:2", "-1:2"])
def test_bounds_have_to_hold_the_number_of_workers(given):
    with pytest.raises(Refused, match=f"1 <= MIN <= -n <= MAX. Received '{given}'"):
        elastic.bounds(given, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--job", "x"), "--job needs --elastic"),
        (("--restarts", "-1"), "--restarts must not be negative"),
        (("--elastic", "1:2", "--hosts", "a"), "on this machine"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(Refused, match=message):
        launch.main(["-n", "1", *options, "x.py"])
