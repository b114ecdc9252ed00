"""The functions of TensorFlow's XLA wrapper that libraries use, built from ordinary ops."""

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.typesets import INDEX
from penstock._src.ops.xla import versions


def _indices(values):
    """Starts or sizes as a vector of integers."""
    values = convert_to_tensor(values, dtype_hint=dtypes.int32)
    return values if values.dtype in INDEX else cast(values, dtypes.int32)


def dynamic_update_slice(x, update, start_indices, name=None):
    """`x` with `update` written at `start_indices`, which are clamped so that it fits."""
    x = convert_to_tensor(x)
    update = convert_to_tensor(update, dtype=x.dtype)
    return raw.XlaDynamicUpdateSlice(
        input=x, update=update, indices=_indices(start_indices), name=name
    )


def dynamic_slice(x, start_indices, size_indices, name=None):
    """The slice of `size_indices` at `start_indices`, which are clamped so that it fits."""
    starts, sizes = _indices(start_indices), _indices(size_indices)
    return raw.XlaDynamicSlice(
        input=convert_to_tensor(x),
        start_indices=starts,
        size_indices=cast(sizes, starts.dtype),
        name=name,
    )


def call_module(
    args,
    *,
    version=4,
    module,
    Tout,
    Sout,
    platforms=(),
    function_list=(),
    has_token_input_output=False,
    disabled_checks=(),
    use_shardy_partitioner=False,
):
    """The list of results of a serialized StableHLO module."""
    return raw.XlaCallModule(
        args=args,
        version=version,
        module=module,
        Tout=Tout,
        Sout=Sout,
        platforms=platforms,
        function_list=function_list,
        has_token_input_output=has_token_input_output,
        disabled_checks=disabled_checks,
        use_shardy_partitioner=use_shardy_partitioner,
    )


def call_module_maximum_supported_version():
    """The highest version of the calling convention of modules that `call_module` takes."""
    return versions.LATEST


def call_module_disable_check_platform():
    """The entry of `disabled_checks` that lets a module run on other platforms."""
    return "platform"
