"""Whether a path is in a folder, with links, with and without schemes."""

import pytest

from penstock._src.core.calls.consent import is_below, is_inside


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "secret")
    return str(tmp_path / "folder")


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("scheme_of_folder", ["", "file://"])
def test_links_are_followed_whatever_the_scheme(folder, scheme, scheme_of_folder):
    outer = scheme_of_folder + folder
    assert is_below(f"{scheme}{folder}/inner/new", outer)
    for path in ("/link", "/../secret", "2/words", "/inner/../../secret"):
        assert not is_inside(scheme + folder + path, outer)


def test_a_folder_is_inside_of_itself_but_not_below(folder):
    assert is_inside(folder, folder) and is_inside(f"{folder}/", folder)
    assert not is_below(folder, folder) and not is_below(f"{folder}/inner/..", folder)
    assert is_below("/a", "/")


def test_other_schemes_are_compared_as_texts():
    assert is_below("ram://a/b", "ram://a") and is_inside("ram://a/b", "ram://a/")
    assert not is_inside("ram://a/../b", "ram://a") and not is_inside("ram://ab", "ram://a")
    assert not is_inside("ram://a/b", "/a") and not is_inside("/a/b", "ram://a")
