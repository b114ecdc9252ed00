"""Small names of `tensorflow.python.saved_model`."""

import pytest

import penstock as tf
from penstock._src.bridge.python.saved_model import registration, save_context


def test_a_thread_knows_that_it_saves(tmp_path):
    seen = []

    class Watching(tf.Module):
        def _trackable_children(self, save_type="checkpoint", **kwargs):
            seen.append(save_context.in_save_context())
            return super()._trackable_children(save_type, **kwargs)

    tf.saved_model.save(Watching(), str(tmp_path))
    assert seen and all(seen)
    assert not save_context.in_save_context()
    with pytest.raises(ValueError, match="Not in a SaveContext"):
        save_context.get_save_options()


def test_the_latest_registration_that_accepts_an_object_counts():
    class Base:
        pass

    class Derived(Base):
        pass

    registration.register_serializable("of_this_test")(Base)
    assert registration.get_registered_class_name(Derived()) == "of_this_test.Base"
    registration.register_serializable("of_this_test")(Derived)
    assert registration.get_registered_class_name(Derived()) == "of_this_test.Derived"
    assert registration.get_registered_class("of_this_test.Base") is Base
    assert registration.get_registered_class("of_this_test.Other") is None
    with pytest.raises(ValueError, match="already been registered"):
        registration.register_serializable("of_this_test")(Base)
