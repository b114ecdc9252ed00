"""Which functions dispatch on other types."""

import typing

import pytest

import penstock as tf


def test_functions_of_raw_operations_dispatch():
    # as in TensorFlow 2.21
    for function in (tf.io.decode_proto, tf.io.encode_proto, tf.approx_top_k, tf.conv):
        assert function._tf_fallback_dispatchers == []


# {function: arguments that are no tensors}
ON_TENSORS = {
    tf.io.decode_raw: (tf.int32,),
    tf.io.write_file: ("a",),
    tf.io.parse_tensor: (tf.float32,),
    tf.io.serialize_sparse: (),
    tf.audio.encode_wav: (8000,),
    tf.extract_volume_patches: ([1] * 5, [1] * 5, "SAME"),
    tf.edit_distance: (None,),
    tf.linalg.global_norm: (),
    tf.clip_by_global_norm: (1.0,),
    tf.linalg.eigh_tridiagonal: (None,),
    tf.nn.isotonic_regression: (),
    tf.nn.sufficient_statistics: ([0],),
    tf.quantization.quantize: (0.0, 1.0, tf.qint8),
    tf.random.split: (),
    tf.random.experimental.stateless_shuffle: ([1, 2],),
    tf.sets.union: (None,),
    tf.sparse.bincount: (),
    tf.sparse.reshape: ([1],),
    tf.scan: (None,),
    tf.identity_n: (),
    tf.shape_n: (),
}


@pytest.mark.parametrize("function", ON_TENSORS, ids=lambda function: function.__name__)
def test_functions_that_dispatch_in_tensorflow_do(function):
    class Other:
        pass

    class Named(tf.__internal__.dispatch.OpDispatcher):
        def handle(self, args, kwargs):
            is_other = any(isinstance(argument, Other) for argument in tf.nest.flatten(args))
            return function.__name__ if is_other else self.NOT_SUPPORTED

    Named().register(function)
    try:
        first = [Other()] if function in (tf.identity_n, tf.shape_n) else Other()
        first = (lambda a, b: a, first) if function is tf.scan else (first,)
        rest = () if function is tf.scan else ON_TENSORS[function]
        assert function(*first, *rest) == function.__name__
    finally:
        function._tf_fallback_dispatchers.pop()


class Masked(tf.experimental.ExtensionType):
    """Values, some of which count."""

    values: tf.Tensor
    mask: tf.Tensor


@pytest.fixture
def stack_of_masked():
    """A target for `tf.stack` that calls `tf.stack` of plain tensors, which its annotation matches too."""
    annotation = list[Masked | tf.types.experimental.TensorLike]

    @tf.experimental.dispatch_for_api(tf.stack, {"values": annotation})
    def stack(values, axis=0):
        values = [
            v if isinstance(v, Masked) else Masked(v, tf.ones_like(v, tf.bool)) for v in values
        ]
        return Masked(
            *(tf.stack([getattr(v, n) for v in values], axis) for n in ("values", "mask"))
        )

    yield stack
    tf.experimental.unregister_dispatch_for(stack)


def test_a_union_with_plain_tensors_takes_calls_with_one_dispatchable_argument(stack_of_masked):
    mixed = tf.stack([Masked([1, 2], [True, False]), tf.constant([4, 5])])
    assert mixed.mask.numpy().tolist() == [[True, False], [True, True]]
    assert tf.stack([[4, 5], tf.constant([1, 2])]).numpy().tolist() == [[4, 5], [1, 2]]
    assert tf.stack((Masked([1], [True]),)).values.shape == (1, 1)


@pytest.mark.parametrize("annotation", [tf.Tensor, object, float, typing.Any])
def test_plain_arguments_do_not_dispatch(annotation):
    def target(x, name=None):
        return "dispatched"

    tf.experimental.dispatch_for_api(tf.math.square, {"x": annotation})(target)
    try:
        assert float(tf.math.square(2.0)) == 4.0
    finally:
        tf.experimental.unregister_dispatch_for(target)


def test_two_targets_for_the_same_arguments_are_ambiguous():
    def one(x: Masked, name=None):
        return 1

    def other(x: Masked, name=None):
        return 2

    for target in (one, other):
        tf.experimental.dispatch_for_api(tf.math.square)(target)
    try:
        with pytest.raises(ValueError, match="Multiple dispatch targets .* arguments to square"):
            tf.math.square(Masked(1.0, True))
    finally:
        for target in (one, other):
            tf.experimental.unregister_dispatch_for(target)
