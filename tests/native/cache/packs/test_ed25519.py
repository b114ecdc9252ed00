"""Verification of signatures: the vectors of RFC 8032, a library's signatures, and what only lenient verifiers accept."""

import hashlib
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from penstock._src.native.cache.packs.ed25519 import verifies

# Public key, message and signature of RFC 8032, section 7.1: tests 1 to 3, and that of SHA(abc).
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
# The points of small order, in all encodings that are below 2^256.
SMALL = [
    (1).to_bytes(32, "little"),
    (PRIME - 1).to_bytes(32, "little"),
    bytes(32),
    (1 << 255).to_bytes(32, "little"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    (1 | 1 << 255).to_bytes(32, "little"),  # x = 0 with a sign
    (PRIME - 1 | 1 << 255).to_bytes(32, "little"),
    PRIME.to_bytes(32, "little"),  # y that is not below the prime
    (PRIME + 1).to_bytes(32, "little"),
]


def parts(vector):
    return tuple(map(bytes.fromhex, vector))


@pytest.mark.parametrize("vector", VECTORS, ids=["empty", "byte", "two bytes", "digest"])
def test_the_vectors_of_the_standard_verify(vector):
    key, message, signature = parts(vector)
    assert verifies(key, message, signature)
    assert not verifies(key, message + b"\0", signature)


def test_each_changed_bit_is_noticed():
    key, message, signature = parts(VECTORS[2])
    for bit in range(0, 512, 3):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verifies(key, message, bytes(changed)), bit
    for bit in range(0, 256, 7):
        changed = bytearray(key)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verifies(bytes(changed), message, signature), bit


def test_a_scalar_beyond_the_order_is_not_accepted():
    key, message, signature = parts(VECTORS[1])
    scalar = int.from_bytes(signature[32:], "little")
    for more in range(1, 15):
        other = signature[:32] + (scalar + more * ORDER).to_bytes(33, "little")[:32]
        assert not verifies(key, message, other)


@pytest.mark.parametrize("key", SMALL, ids=range(len(SMALL)))
def test_keys_of_small_order_sign_nothing(key):
    for commitment in SMALL:
        for number in range(4):
            assert not verifies(key, bytes([number]), commitment + bytes(32))


@pytest.mark.parametrize("lengths", [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_other_lengths_are_not_accepted(lengths):
    key, message, signature = parts(VECTORS[0])
    padded = key + b"\0", signature + b"\0"
    assert not verifies(padded[0][: lengths[0]], message, padded[1][: lengths[1]])


def test_a_point_off_the_curve_is_not_accepted():
    key = (2).to_bytes(32, "little")  # y = 2 has no x
    assert not verifies(key, b"", parts(VECTORS[0])[2])


def test_signatures_of_the_library_verify():
    draw = random.Random(5)
    for size in (0, 1, 63, 64, 1000):
        secret = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        message, key = draw.randbytes(size), secret.public_key().public_bytes_raw()
        signature = secret.sign(message)
        assert verifies(key, message, signature)
        assert not verifies(key, message + b"x", signature)
