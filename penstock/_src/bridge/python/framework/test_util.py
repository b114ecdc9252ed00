"""TensorFlow's own kit for tests."""

from penstock._src.api.random import seeds as random_seed
from penstock._src.api.test.build import is_cpu_target_available as IsCPUTargetAvailable
from penstock._src.api.test.case import EagerSessionWarner, FakeEagerSession, TestCase
from penstock._src.api.test.comparisons import checked_when_run as py_func_if_in_function
from penstock._src.api.test.graphs import assert_equal_graph_def_v1 as assert_equal_graph_def
from penstock._src.api.test.helpers import CapturedWrites
from penstock._src.bridge.testing.combinations import generate_combinations_with_testcase_name
from penstock._src.bridge.testing.graphs import (
    NCHW_VECT_CToNHWC,
    NCHWToNHWC,
    NHWCToNCHW,
    NHWCToNCHW_VECT_C,
    assert_meta_graph_protos_equal,
    assert_ops_in_graph,
    get_node_def_from_graph,
    set_producer_version,
)
from penstock._src.bridge.testing.leaks import (
    assert_no_garbage_created,
    assert_no_new_pyobjects_executing_eagerly,
    assert_no_new_tensors,
)
from penstock._src.bridge.testing.modes import (
    AbstractGradientTape,
    also_run_as_tf_function,
    build_as_function_and_v1_graph,
    deprecated_graph_mode_only,
    run_all_in_deprecated_graph_mode_only,
    run_all_in_graph_and_eager_modes,
    run_class_in_v1_v2,
    run_deprecated_v1,
    run_in_async_and_sync_mode,
    run_in_graph_and_eager_modes,
    run_in_v1_v2,
    run_v1_only,
    run_v2_only,
)
from penstock._src.bridge.testing.modes import run_functions_eagerly_within as run_functions_eagerly
from penstock._src.bridge.testing.settings import (
    add_graph_building_optimization_tests,
    as_it_is,
    as_it_is_because,
    deterministic_ops,
    device,
    disable_control_flow_v2,
    disable_eager_op_as_function,
    disable_tfrt,
    enable_output_all_intermediates,
    for_all_test_methods,
    force_cpu,
    force_gpu,
    matmul_without_tf32,
    pick_unused_port,
    run_all_without_tensor_float_32,
    run_cuda_only,
    run_gpu_only,
    run_gpu_or_tpu,
    run_without_tensor_float_32,
    set_xla_env_flag,
    skip_if,
    skip_if_error,
    use_gpu,
    with_forward_compatibility_horizons,
)

TensorFlowTestCase = TestCase
# Control flow is always functional and outputs what its gradients need; eager ops have one way to run.
enable_control_flow_v2 = with_control_flow_v2 = as_it_is
enable_eager_op_as_function = enable_graph_building_optimization = as_it_is
enable_nested_function_shape_inference = enable_quantized_dtypes_training = as_it_is
enable_c_shapes = with_c_shapes = disable_cudnn_autotune = as_it_is
# There is one compiler, and no build with a sanitizer.
disable_xla = no_xla_auto_jit = xla_allow_fallback = disable_mlir_bridge = as_it_is_because
enable_tf_xla_constant_folding = as_it_is_because
disable_asan = disable_msan = disable_tsan = disable_ubsan = as_it_is_because


def _no() -> bool:
    """False: that is a property of other builds."""
    return False


is_xla_enabled = is_asan_enabled = is_msan_enabled = is_tsan_enabled = is_ubsan_enabled = _no
IsMklEnabled = IsGoogleCudaEnabled = IsBuiltWithROCm = IsBuiltWithNvcc = _no
GpuSupportsHalfMatMulAndConv = _no


def IsBuiltWithXLA() -> bool:
    """True: functions are compiled, by Penstock's own compiler."""
    return True


def is_mlir_bridge_enabled() -> None:
    """None: there is no such bridge."""


def InstallStackTraceHandler() -> None:
    """Does nothing: Python's own faulthandler shows stacks."""
