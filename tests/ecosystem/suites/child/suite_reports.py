"""What pytest loads inside the tested interpreter: it makes Penstock `tensorflow` and reports each test when it ends.

A line of the report is a list: ["tests", names], ["start", name], ["test", name, outcome], ["file", name, outcome] for a
file that cannot be imported, ["numbers", name, {variable: numbers}] or ["end"]. Written at once, so that a crash loses one test.
"""

import json
import os
import re
import sys

STAND_IN = os.environ["SUITE_STAND_IN"] == "1"
REPORT = open(os.environ["SUITE_REPORT"], "a", encoding="utf-8")
MAIN_PROCESS = os.getpid()

if STAND_IN:
    import penstock

    penstock.install_as_tensorflow()


def say(*row):
    """Adds a line to the report, unless this is a process that a test has forked."""
    if os.getpid() == MAIN_PROCESS:
        REPORT.write(json.dumps(row) + "\n")
        REPORT.flush()


def name_of(node_id):
    """The test's name without the addresses and times that parameters may contain."""
    return re.sub(r"0x[0-9a-f]+", "0x", node_id)


def outcome_of(call):
    """["failed", reason, place] of a failed report of pytest, ["skipped", reason] of a skipped one."""
    if call.skipped:
        where = call.longrepr
        return ["skipped", str(where[2] if isinstance(where, tuple) else where)[:200]]
    crash = getattr(call.longrepr, "reprcrash", None)
    if crash is None:
        return ["failed", str(call.longrepr).strip().splitlines()[-1][:400], ""]
    lines = [line.strip() for line in crash.message.splitlines() if line.strip()] or [""]
    entries = getattr(getattr(call.longrepr, "reprtraceback", None), "reprentries", [])
    places = [e.reprfileloc for e in entries if getattr(e, "reprfileloc", None)]
    place = f"{places[-1].path}:{places[-1].lineno}" if places else f"{crash.path}:{crash.lineno}"
    return ["failed", " / ".join(lines[:3])[:400], re.sub(r".*(site-packages|plugins)/", "", place)]


def pytest_configure(config):
    from absl import flags  # absl's test cases read flags, which only absl's own runner parses

    if not flags.FLAGS.is_parsed():
        flags.FLAGS(sys.argv[:1])


def pytest_collectreport(report):
    if report.failed:
        say("file", name_of(report.nodeid), outcome_of(report))


def pytest_collection_finish(session):
    say("tests", [name_of(item.nodeid) for item in session.items])


def pytest_runtest_logstart(nodeid, location):
    say("start", name_of(nodeid))


def pytest_runtest_logreport(report):
    if report.when == "call" or not report.passed:
        outcome = "passed" if report.passed else outcome_of(report)
        if hasattr(report, "wasxfail"):  # an expected failure is what the suite asks for
            outcome = "passed" if report.skipped else ["failed", "expected to fail", ""]
        say("test", name_of(report.nodeid), outcome)
    for key, value in report.user_properties if report.when == "call" else ():
        if key == "numbers":
            say("numbers", name_of(report.nodeid), value)


def pytest_sessionfinish(session):
    say("end")
