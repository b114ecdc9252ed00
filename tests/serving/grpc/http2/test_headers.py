"""Headers of requests, and statuses."""

import urllib.parse

import pytest

from penstock._src.core import errors
from penstock._src.serving.grpc.http2.headers import (
    check_size,
    head_of,
    metadata_of,
    trailers_of,
)
from tests.serving.grpc.http2.kit import headers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1H", 3600), ("2M", 120), ("3S", 3), ("4m", 4e-3), ("5u", 5e-6), ("99999999n", 0.099999999)],
)
def test_timeouts(text, seconds):
    assert head_of(headers("/a/b", grpc_timeout=text)).timeout == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "S", "1", "1s", "-1S", "1.5S", "123456789S", "\u00b2S"])
def test_damaged_timeouts(text):
    with pytest.raises(errors.InvalidArgumentError, match="grpc-timeout: expected"):
        head_of(headers("/a/b", grpc_timeout=text))


def test_what_is_not_grpc():
    assert head_of(headers("/a/b")).status == 0
    assert head_of(headers("/a/b", **{":method": "GET"})).status == 405
    assert head_of(headers("/a/b", content_type="text/html")).status == 415
    assert head_of(headers("/a/b", content_type="application/grpc+proto")).status == 0


def test_metadata():
    given = headers("/a/b", grpc_timeout="1S", user_agent="me", x_bin="AAE=,Ag", y_bin="!a", z="1")
    assert metadata_of(given) == (
        ("user-agent", "me"),
        ("x-bin", b"\0\1"),
        ("x-bin", b"\2"),
        ("z", "1"),
    )


def test_headers_above_the_limit_are_refused():
    check_size([(b"a" * 18, b"b" * 50)], 100)
    with pytest.raises(errors.ResourceExhaustedError, match="at most 99 bytes. Received 100"):
        check_size([(b"a" * 18, b"b" * 50)], 99)


def test_statuses():
    assert trailers_of(errors.OK, "") == ((b"grpc-status", b"0"),)
    text = "100 %, \u00e9\n."
    code, message = trailers_of(errors.NOT_FOUND, text)
    assert code == (b"grpc-status", b"5")
    assert message == (b"grpc-message", b"100 %25, %C3%A9%0A.")
    assert urllib.parse.unquote(message[1].decode()) == text
    _, (_, cut) = trailers_of(errors.NOT_FOUND, "%" * 5000)
    assert len(cut) <= 6003 and urllib.parse.unquote(cut.decode()) == "%" * 2000 + "..."
