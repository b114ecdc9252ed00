"""`dataclass` of util/dataclass.py, held against the standard library's."""

import copy
import dataclasses
import inspect
import pickle
import sys
from dataclasses import field
from typing import Any, ClassVar, get_type_hints

import pytest

from penstock._src.util import dataclass as light

BOTH = [dataclasses.dataclass, light.dataclass]


@light.dataclass(frozen=True)
class Extent:
    """Of an axis."""

    size: int
    names: tuple[str, ...] = ()


def made(define, **options):
    @define(**options)
    class Record:
        """A record."""

        kind: ClassVar[str] = "record"
        first: Any
        second: Any = 2
        more: list = field(default_factory=list)
        hidden: int = field(default=0, compare=False, repr=False)
        last: str = field(default="", kw_only=True)

    return Record


@pytest.mark.parametrize("options", [{}, {"frozen": True}, {"eq": False}, {"repr": False}])
def test_it_defines_what_the_standard_library_defines(options):
    ours, theirs = made(light.dataclass, **options), made(dataclasses.dataclass, **options)
    for arguments, named in (((1,), {}), ((1, 3), {"last": "z"}), ((), {"first": 1, "more": [5]})):
        a, b = ours(*arguments, **named), theirs(*arguments, **named)
        assert vars(a) == vars(b)
        if options.get("repr", True):
            assert repr(a) == repr(b)
        assert (a == ours(*arguments, **named)) == (b == theirs(*arguments, **named))
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    names = [{f.name for f in dataclasses.fields(cls)} for cls in (ours, theirs)]
    assert names[0] == names[1] and ours.__match_args__ == theirs.__match_args__
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)
    assert ours.kind == "record" and ours.second == 2


def test_each_object_has_its_own_value_of_a_factory():
    Record = made(light.dataclass)
    assert Record(1).more is not Record(1).more


def test_the_constructor_is_written_when_it_is_first_looked_up():
    Record = made(light.dataclass)
    assert not inspect.isfunction(vars(Record)["__init__"])
    assert Record(1).first == 1
    assert inspect.isfunction(vars(Record)["__init__"]) and Record(2, 3).second == 3

    @light.dataclass
    class Derived(made(light.dataclass)):
        own: int = 0

        def __init__(self, first):
            super().__init__(first, second=first)

    assert (Derived(4).second, Derived(5).first) == (4, 5)


@pytest.mark.parametrize("define", BOTH)
def test_the_order_of_fields_is_checked_where_the_class_is_defined(define):
    with pytest.raises(TypeError, match="'?second'?"):

        @define
        class Record:
            first: int = 1
            second: int


@pytest.mark.parametrize("define", BOTH)
def test_arguments_that_do_not_fit_are_refused(define):
    Record = made(define)
    for arguments, named in (((), {}), ((1,), {"unknown": 1}), ((1, 2, [], 0, "z"), {})):
        with pytest.raises(TypeError):
            Record(*arguments, **named)


@pytest.mark.parametrize("define", BOTH)
def test_frozen_objects_do_not_change(define):
    record = made(define, frozen=True)(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'first'"):
        record.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'other'"):
        record.other = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'first'"):
        del record.first


@pytest.mark.parametrize("define", BOTH)
def test_objects_of_other_classes_are_not_equal(define):
    @define(frozen=True)
    class Other(Extent if define is light.dataclass else object):
        size: int

    assert Other(1) != Extent(1) and hash(Other(1)) == hash(Other(1))
    assert len({Extent(1), Extent(1), Extent(1, ("a",)), Extent(2)}) == 3


@pytest.mark.parametrize("define", BOTH)
def test_one_field_compares_as_several_do(define):
    @define(frozen=True)
    class One:
        value: float

    nan = float(
        "nan"
    )  # the same object, which tuples take as equal; the standard library's since 3.13 does not
    compares_elements = define is dataclasses.dataclass and sys.version_info >= (3, 13)
    assert (One(nan) == One(nan)) is not compares_elements
    assert One(1.0) == One(1.0) and One(float("nan")) != One(float("nan"))
    assert hash(One(1.0)) == hash((1.0,))


@pytest.mark.parametrize("define", BOTH)
def test_fields_of_bases_come_first(define):
    @define(frozen=True)
    class Base:
        a: int
        b: int = 1

    @define(frozen=True)
    class Derived(Base):
        b: int = 5
        c: int = 2

        def __post_init__(self):
            object.__setattr__(self, "sum", self.a + self.b + self.c)

    assert Derived(1).sum == 8 and repr(Derived(1, c=0)).endswith("Derived(a=1, b=5, c=0)")
    assert dataclasses.replace(Derived(1), b=0).sum == 3
    assert dataclasses.asdict(Derived(1)) == {"a": 1, "b": 5, "c": 2}


@pytest.mark.parametrize("define", BOTH)
def test_methods_of_the_class_stay(define):
    @define
    class Record:
        value: int

        def __repr__(self):
            return "mine"

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 7

    assert (repr(Record(1)), Record(1) == 3, hash(Record(1))) == ("mine", True, 7)


@pytest.mark.parametrize("define", BOTH)
def test_fields_that_no_argument_sets(define):
    @define
    class Record:
        count: int = field(init=False)
        names: list = field(default_factory=list, init=False)
        size: int = field(default=3, init=False)

    assert (Record().names, Record().size) == ([], 3)
    assert not hasattr(Record(), "count")


def test_an_object_that_holds_itself_is_shown():
    record = made(light.dataclass)(1)
    record.first = record
    assert "first=..." in repr(record)


def test_objects_are_copied_and_pickled():
    extent = Extent(3, ("a",))
    assert pickle.loads(pickle.dumps(extent)) == extent == copy.deepcopy(extent)


def test_arguments_of_the_constructor_alone_are_refused():
    with pytest.raises(TypeError, match="InitVar"):

        @light.dataclass
        class Record:
            value: dataclasses.InitVar[int]


@pytest.mark.parametrize("define", BOTH)
def test_annotations_that_are_texts_are_found_in_the_module(define):
    @define(frozen=True)
    class Named:
        number: "Any"
        others: "dict[str, Any]" = field(default_factory=dict)

    hints = get_type_hints(Named.__init__)
    assert hints == {"number": Any, "others": dict[str, Any], "return": type(None)}
    assert Named(1) == Named(1, {})
