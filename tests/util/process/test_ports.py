"""Ports of this machine."""

import socket

from penstock._src.util.process.ports import free_ports


def test_free_ports_differ_and_can_be_listened_at():
    found = free_ports(8)
    assert len(set(found)) == 8
    with socket.create_server(("localhost", found[0])) as server:
        assert server.getsockname()[1] == found[0]
