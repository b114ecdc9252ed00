"""Makers and small packs."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from penstock._src.native.cache.packs.format import Entry, Manifest, sealed

SOURCES, ABI = "5" * 64, "interface-1"


class Signer:
    """A maker with a key of a number."""

    def __init__(self, number=1):
        self.secret = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        self.key = self.secret.public_key().public_bytes_raw()

    def sign(self, message):
        return self.secret.sign(message)


def manifest_of(contents, **changes):
    table = [(hashlib.sha256(each).hexdigest(), len(each)) for each in contents]
    codes = {f"kernel-{i}": Entry(i, ("task",), f"({i}, 'd0')") for i in range(len(contents))}
    fields = {
        "abi": ABI,
        "penstock": "0.1.0",
        "sources": SOURCES,
        "targets": {"x86-64-v3": (1, 2, 8)},
        "objects": table,
        "codes": codes,
    }
    return Manifest(**{**fields, **changes})


def pack_of(contents=(b"first", b"second object"), signer=None, **changes):
    signer = signer or Signer()
    return sealed(manifest_of(contents, **changes), contents, signer.key, signer.sign)
