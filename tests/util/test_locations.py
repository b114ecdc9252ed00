"""Lines of sources in messages and reports."""

import _thread
import linecache
import os
import threading

from penstock._src.util.locations import OWN_FOLDER, Location, source_line, user_location


def test_a_file_that_was_written_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").write_text("first = 1\n")
    assert source_line("program.py", 1) == "first = 1\n"
    (tmp_path / "program.py").write_text("other = 22\nsecond = 3\n")
    os.utime("program.py", (1, 1))
    assert source_line("program.py", 2) == "second = 3\n"
    assert source_line("program.py", 9) == source_line("nosuch.py", 1) == ""


def test_a_file_of_the_same_name_elsewhere_on_the_path(tmp_path, monkeypatch):
    for folder in ("before", "now"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "twice.py").write_text(f"folder = {folder!r}\n")
    monkeypatch.syspath_prepend(tmp_path / "before")
    assert linecache.getline("twice.py", 1) == "folder = 'before'\n"
    monkeypatch.chdir(tmp_path / "now")
    assert source_line("twice.py", 1) == "folder = 'now'\n"


def chain(files, found):
    """A function that calls others in these files, the outermost first; the innermost appends its location to a list."""
    names = {"call": lambda: found.append(user_location(0))}
    names["call"].__code__ = names["call"].__code__.replace(co_filename=OWN_FOLDER + "graph.py")
    for file in reversed(files):
        exec(compile("def step(call=call):\n    return call()\n", file, "exec"), names)
        names["call"] = names["step"]
    return names["call"]


KERAS = [os.sep + os.path.join("site", "keras", "src", name) for name in ("a.py", "b.py")]
FUNCTION = OWN_FOLDER + "function.py"


def test_the_user_s_line_is_found_beyond_keras_and_penstock():
    found, users = [], ("/home/model.py", "/home/other.py", "/home/model.py")
    for user in users:
        chain([user, KERAS[0], FUNCTION, KERAS[1]], found)()
    chain(["/home/model.py", KERAS[0], "/home/layer.py", KERAS[1]], found)()
    assert found == [Location(user, 2, "step") for user in (*users, "/home/layer.py")]


def test_without_a_user_s_line_it_is_the_innermost_line_of_keras():
    found, pause = [], threading.Event()
    chains = [chain(files, found) for files in ([*KERAS, FUNCTION], [FUNCTION])]
    # A thread of this module has no frames around its function.
    for each in chains:
        _thread.start_new_thread(each, ())
    for _ in range(1000):
        if len(found) < len(chains):
            pause.wait(0.01)
    assert sorted(found, key=str) == [Location(KERAS[1], 2, "step"), None]
