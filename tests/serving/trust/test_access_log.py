"""The access log: renamed files, and more lines than can be written."""

import json
import time

from penstock._src.serving.trust import access_log
from penstock._src.serving.trust.access_log import AccessLog, Entry


def entry(path):
    return Entry("http", "GET", path, 200, "", "", 0, 0, time.perf_counter())


def paths(file):
    return [json.loads(line).get("path") for line in file.read_text().splitlines()]


def test_a_renamed_file_is_begun_anew(tmp_path):
    file = tmp_path / "log"
    log = AccessLog(str(file))
    log.add(entry("/a"))
    log.close()
    log = AccessLog(str(file))
    log.add(entry("/b"))
    log._write()
    file.rename(tmp_path / "log.1")
    log.add(entry("/c"))
    log.close()
    assert paths(tmp_path / "log.1") == ["/a", "/b"]
    assert paths(file) == ["/c"]


def test_lines_beyond_what_may_wait_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(access_log, "_MOST", 3)
    monkeypatch.setattr(access_log, "_INTERVAL", 60)
    log = AccessLog(str(tmp_path / "log"))
    for _ in range(5):
        log.add(entry("/"))
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len(lines) == 4 and lines[-1]["lost"] == 2
