"""The probe of this machine's CPU."""

import os

from penstock._src.native.target import _quota_of, host, usable_cores


def test_the_host_is_described():
    here = host()
    assert here.vector_bytes in (16, 32, 64) and here.registers >= 16 and here.l1 < here.l2
    assert here.system in ("linux", "darwin", "windows")
    assert here.lanes("float") * 4 == here.vector_bytes and here is host()


def test_cores_respect_affinity():
    if hasattr(os, "sched_getaffinity"):
        assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


def test_quota_of_a_control_group(tmp_path):
    path = tmp_path / "cpu.max"
    path.write_text("150000 100000\n")
    assert _quota_of(path) == 1.5
    path.write_text("max 100000\n")
    assert _quota_of(path) is None and _quota_of(tmp_path / "none") is None
