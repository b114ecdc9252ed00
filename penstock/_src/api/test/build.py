"""Queries about the build and the machine, for tests."""

from penstock._src.api.config import devices
from penstock._src.util.export import export


@export("test.is_built_with_cuda")
def is_built_with_cuda():
    """True if this build computes on NVIDIA's GPUs.

    Returns:
      False.
    """
    return False


@export("test.is_built_with_rocm")
def is_built_with_rocm():
    """True if this build computes on AMD's GPUs.

    Returns:
      False.
    """
    return False


@export("test.is_built_with_gpu_support")
def is_built_with_gpu_support():
    """True if this build computes on any GPU.

    Returns:
      False.
    """
    return False


@export("test.is_built_with_xla")
def is_built_with_xla():
    """True if functions are compiled.

    Returns:
      True: Penstock's own compiler does what TensorFlow leaves to XLA.
    """
    return True


@export("test.is_cpu_target_available")
def is_cpu_target_available(target):
    """True if code for this kind of processor can be compiled.

    Args:
      target: a name such as "x86_64".

    Returns:
      A bool.
    """
    return target in ("x86_64", "aarch64")


@export("test.is_gpu_available")
def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """Returns False: there is no GPU.

    Args:
      cuda_only: ignored.
      min_cuda_compute_capability: ignored.

    Returns:
      A Python bool.

    >>> tf.test.is_gpu_available()
    False
    """
    del cuda_only, min_cuda_compute_capability
    return bool(devices.logical_devices("GPU"))


@export("test.gpu_device_name")
def gpu_device_name():
    """The name of the first GPU, or an empty string.

    Returns:
      A str.
    """
    gpus = devices.logical_devices("GPU")
    return gpus[0].name if gpus else ""
