"""Facts about functions and classes at the paths of TensorFlow's pyct."""

import abc
import collections
import functools

from penstock._src.bridge.python.autograph.pyct import inspect_utils


def decorator(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


class Base:
    def inherited(self):
        pass

    @decorator
    def wrapped(self):
        pass


class Derived(Base):
    def own(self):
        pass


def test_classes_of_methods():
    assert inspect_utils.getmethodclass(Base.wrapped) is Base
    assert inspect_utils.getmethodclass(Derived().own) is Derived
    assert inspect_utils.getmethodclass(decorator) is None
    assert inspect_utils.getdefiningclass(Derived.inherited, Derived) is Base
    assert inspect_utils.getdefiningclass(Derived.own, Derived) is Derived


def test_names_and_namespaces():
    inner = 3

    def function():
        return inner, functools

    namespace = inspect_utils.getnamespace(function)
    assert namespace["inner"] == 3 and namespace["functools"] is functools
    assert inspect_utils.getqualifiedname({"f": functools}, functools.partial) == "f.partial"
    assert inspect_utils.getqualifiedname({"f": functools}, function) is None
    assert "def wrapper" in inspect_utils.getimmediatesource(Base.wrapped)


def test_kinds_of_classes_and_functions():
    class Calls(type):
        def __call__(cls):
            return None

    assert inspect_utils.isconstructor(abc.ABCMeta("Abstract", (), {}))
    assert not inspect_utils.isconstructor(Calls("Made", (), {}))
    assert inspect_utils.isnamedtuple(collections.namedtuple("Point", "x y"))
    assert inspect_utils.islambda(lambda: 1) and not inspect_utils.islambda(decorator)
    assert inspect_utils.isbuiltin(len) and not inspect_utils.isbuiltin(decorator)
