"""TLS and mutual TLS, of both protocols. The certificates are of an authority that signs nothing else; they are good for a hundred years."""

import http.client
import pathlib
import shutil
import socket
import ssl

import grpc
import pytest

import penstock as tf
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.processes.background import running
from penstock._src.serving.rest import http as rest_http
from penstock._src.serving.trust.tls import TLS, SSLConfigFile
from tests.serving.kit import HalfPlusTwo, save

PEMS = pathlib.Path(__file__).parent / "certificates"
CHECK = "/grpc.health.v1.Health/Check"
READY = b"\x08\x01"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    root = tmp_path_factory.mktemp("half")
    save(HalfPlusTwo(), root / "1")
    return (ModelConfig("half", str(root)),)


@pytest.fixture(scope="module")
def mutual(model):
    """A server whose clients must have a certificate."""
    tls = TLS(*(str(PEMS / name) for name in ("server.pem", "server.key", "ca.pem")))
    with running(Options(model, rest_port=0, grpc_port=0, tls=tls)) as server:
        yield server


def get(server, name=None):
    """The status of a request with a client's certificate."""
    context = ssl.create_default_context(cafile=PEMS / "ca.pem")
    if name:
        context.load_cert_chain(PEMS / f"{name}.pem", PEMS / f"{name}.key")
    connection = http.client.HTTPSConnection("localhost", server.rest_port, context=context)
    try:
        connection.request("POST", "/v1/models/half:predict", b'{"instances": [4]}')
        return connection.getresponse().read()
    finally:
        connection.close()


def check(server, name=None, authority="ca"):
    """The reply of a gRPC probe with a client's certificate."""
    own = [(PEMS / f"{name}.{end}").read_bytes() for end in ("key", "pem")] if name else []
    made = grpc.ssl_channel_credentials((PEMS / f"{authority}.pem").read_bytes(), *own)
    with grpc.secure_channel(f"localhost:{server.grpc_port}", made) as channel:
        return channel.unary_unary(CHECK)(b"", timeout=120)


def test_clients_with_a_certificate(mutual):
    assert get(mutual, "client") == b'{"predictions":[4.0]}'
    assert check(mutual, "client") == READY


@pytest.mark.parametrize("name", [None, "other"])
def test_clients_without_one(mutual, name):
    with pytest.raises(OSError):
        get(mutual, name)
    with pytest.raises(grpc.RpcError):
        check(mutual, name)


@pytest.mark.parametrize("protocols", [["h2"], ["http/1.1"], []])
def test_grpc_is_spoken_with_clients_that_agree_on_http2(model, protocols):
    tls = TLS(*(str(PEMS / name) for name in ("server.pem", "server.key")))
    context = ssl.create_default_context(cafile=PEMS / "ca.pem")
    if protocols:
        context.set_alpn_protocols(protocols)
    with running(Options(model, rest_port=-1, grpc_port=0, tls=tls)) as server:
        with socket.create_connection(("localhost", server.grpc_port), 10) as connection:
            with context.wrap_socket(connection, server_hostname="localhost") as wrapped:
                try:
                    answer = wrapped.recv(1000)
                except OSError:
                    answer = b""
    assert bool(answer) == (protocols == ["h2"])


def test_clients_without_tls(mutual):
    with socket.create_connection(("127.0.0.1", mutual.rest_port), 10) as connection:
        connection.sendall(b"GET /v1/models/half HTTP/1.1\r\n\r\n")
        assert b"HTTP/1.1 200" not in connection.recv(1000)


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated")
def test_old_versions_of_tls_are_refused(mutual):
    context = ssl.create_default_context(cafile=PEMS / "ca.pem")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("localhost", mutual.rest_port), 10) as connection:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_hostname="localhost")


def common_name(server):
    """Whose certificate the HTTPS server shows."""
    context = ssl.create_default_context(cafile=PEMS / "ca.pem")
    with socket.create_connection(("localhost", server.rest_port), 10) as connection:
        with context.wrap_socket(connection, server_hostname="localhost") as wrapped:
            return wrapped.getpeercert()["subject"][0][0][1]


def test_certificates_are_read_again(model, tmp_path, monkeypatch):
    monkeypatch.setattr(rest_http, "_WATCH_SECONDS", 0.02)

    def put(name):
        for ending in (".pem", ".key"):
            shutil.copy(PEMS / f"{name}{ending}", tmp_path / f"own{ending}")

    put("server")
    tls = TLS(str(tmp_path / "own.pem"), str(tmp_path / "own.key"))
    with running(Options(model, rest_port=0, grpc_port=0, tls=tls)) as server:
        assert common_name(server) == "server"
        assert check(server) == READY
        put("renewed")
        while common_name(server) != "renewed":
            pass
        (tmp_path / "own.pem").write_text("nonsense")
        assert get(server) == b'{"predictions":[4.0]}'
        assert common_name(server) == "renewed"
        put("other")  # gRPC reads them again as well: the client does not know who signed this one
        with pytest.raises(grpc.RpcError):
            check(server)
        assert check(server, authority="other") == READY


def ssl_config(path, **fields):
    lines = []
    for name, value in fields.items():
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        lines.append(f"{name}: {shown}")
    path.write_text("\n".join(lines))
    return str(path)


def pem(name):
    return (PEMS / name).read_text()


def test_the_file_of_tensorflow_serving_is_for_grpc(model, tmp_path):
    path = ssl_config(
        tmp_path / "ssl.config",
        server_key=pem("server.key"),
        server_cert=pem("server.pem"),
        custom_ca=pem("ca.pem"),
        client_verify=True,
    )
    with running(Options(model, rest_port=0, grpc_port=0, ssl_config_file=path)) as server:
        assert check(server, "client") == READY
        with pytest.raises(grpc.RpcError):
            check(server)
        plain = http.client.HTTPConnection("localhost", server.rest_port)
        plain.request("GET", "/v1/models/half")
        assert plain.getresponse().status == 200
        plain.close()


def test_clients_certificates_are_asked_for_only_if_the_file_says_so(tmp_path):
    fields = {"server_key": pem("server.key"), "server_cert": pem("server.pem")}
    path = ssl_config(tmp_path / "a", **fields, custom_ca=pem("ca.pem"))
    assert not SSLConfigFile(path).read().client_authority
    path = ssl_config(tmp_path / "b", **fields, client_verify=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="client_verify needs custom_ca"):
        SSLConfigFile(path).read()


@pytest.mark.parametrize(
    "files", [("server.pem", "client.key"), ("ca.pem", "server.pem"), ("server.key", "server.key")]
)
def test_files_that_do_not_belong_together(model, files):
    tls = TLS(*(str(PEMS / name) for name in files))
    with pytest.raises(tf.errors.InvalidArgumentError, match="belong together"):
        with running(Options(model, rest_port=0, grpc_port=-1, tls=tls)):
            pass


def test_missing_files_are_named(model, tmp_path):
    tls = TLS(str(PEMS / "server.pem"), str(tmp_path / "no.key"))
    with pytest.raises(tf.errors.NotFoundError, match="no.key"):
        with running(Options(model, rest_port=0, grpc_port=-1, tls=tls)):
            pass
