"""Ports of this machine."""

import socket

import pytest

from penstock._src.util.process import ports
from penstock._src.util.process.ports import free_ports


def test_free_ports_differ_and_can_be_listened_at():
    found = free_ports(8)
    assert len(set(found)) == 8
    with socket.create_server(("localhost", found[0])) as server:
        assert server.getsockname()[1] == found[0]


def test_free_ports_are_not_given_to_connections():
    with socket.create_server(("localhost", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            given = client.getsockname()[1]
    assert given not in ports._OF_SERVERS
    assert set(free_ports(200)) <= set(ports._OF_SERVERS)


def test_ports_in_use_are_left_out(monkeypatch):
    with socket.create_server(("localhost", 0)) as server:
        taken = server.getsockname()[1]
        (other,) = free_ports(1)
        monkeypatch.setattr(ports, "_OF_SERVERS", (taken, other))
        assert free_ports(1) == [other]
        with pytest.raises(OSError, match="2 ports are needed, 1 are free"):
            free_ports(2)


def test_only_those_who_share_a_port_listen_there_at_once():
    with ports.listening("127.0.0.1", 0, is_shared=True) as first:
        port = first.getsockname()[1]
        ports.listening("127.0.0.1", port, is_shared=True).close()
        with pytest.raises(OSError, match=f"Cannot listen at 127.0.0.1:{port}"):
            ports.listening("127.0.0.1", port, is_shared=False)
