"""URLs of servers and models."""

import pytest

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.serving.client.address import Spec, parse


@pytest.mark.parametrize(
    "url, place, prefix, spec",
    [
        ("http://host:8501", "host:8501", "", None),
        ("https://host/", "host:443", "", None),
        ("http://host/v1/models/a", "host:80", "", Spec("a")),
        ("http://host/v1/models/a:predict", "host:80", "", Spec("a")),
        ("http://host/behind/it/v1/models/a/versions/3", "host:80", "/behind/it", Spec("a", 3)),
        ("http://host/behind", "host:80", "/behind", None),
        ("http://host/v1/models/a%20b/labels/new", "host:80", "", Spec("a b", None, "new")),
        ("grpc://host", "host:8500", "", None),
        ("grpcs://[::1]:1/models/a", "[::1]:1", "", Spec("a")),
        ("grpc://host:1/v1/models/a/labels/new", "host:1", "", Spec("a", None, "new")),
    ],
)
def test_what_urls_say(url, place, prefix, spec):
    found = parse(url)
    assert (found.place, found.prefix, found.spec) == (place, prefix, spec)
    assert found.is_secure == url.split(":")[0].endswith("s")


@pytest.mark.parametrize(
    "url",
    ["", "host:8501", "ftp://host/", "http:///v1", "http://host:port/", "http://h/v1/models/a?b=c"],
)
def test_urls_that_are_refused(url):
    with pytest.raises(InvalidArgumentError, match="Expected the URL of a server or model"):
        parse(url)
