"""Names of the SavedModel format, and the options of saving and loading."""

import enum
from collections.abc import Sequence
from typing import Any

from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export, export_constant

ASSETS_DIRECTORY = "assets"
ASSETS_KEY = "saved_model_assets"
CLASSIFY_INPUTS = "inputs"
CLASSIFY_METHOD_NAME = "tensorflow/serving/classify"
CLASSIFY_OUTPUT_CLASSES = "classes"
CLASSIFY_OUTPUT_SCORES = "scores"
DEBUG_DIRECTORY = "debug"
DEBUG_INFO_FILENAME_PB = "saved_model_debug_info.pb"
DEFAULT_SERVING_SIGNATURE_DEF_KEY = "serving_default"
GPU = "gpu"
LEGACY_INIT_OP_KEY = "legacy_init_op"
MAIN_OP_KEY = "saved_model_main_op"
PREDICT_INPUTS = "inputs"
PREDICT_METHOD_NAME = "tensorflow/serving/predict"
PREDICT_OUTPUTS = "outputs"
REGRESS_INPUTS = "inputs"
REGRESS_METHOD_NAME = "tensorflow/serving/regress"
REGRESS_OUTPUTS = "outputs"
SAVED_MODEL_FILENAME_PB = "saved_model.pb"
SAVED_MODEL_FILENAME_PBTXT = "saved_model.pbtxt"
SAVED_MODEL_SCHEMA_VERSION = 1
SERVING = "serve"
TPU = "tpu"
TRAINING = "train"
VARIABLES_DIRECTORY = "variables"
VARIABLES_FILENAME = "variables"
FINGERPRINT_FILENAME = "fingerprint.pb"
EXTRA_ASSETS_DIRECTORY = "assets.extra"
PACK_FILENAME = "penstock.pack"
INIT_OP_KEY = "__saved_model_init_op"

_GROUPS = {
    "constants": (
        "ASSETS_DIRECTORY ASSETS_KEY DEBUG_DIRECTORY DEBUG_INFO_FILENAME_PB SAVED_MODEL_FILENAME_PB "
        "SAVED_MODEL_FILENAME_PBTXT SAVED_MODEL_SCHEMA_VERSION VARIABLES_DIRECTORY "
        "VARIABLES_FILENAME"
    ),
    "signature_constants": (
        "CLASSIFY_INPUTS CLASSIFY_METHOD_NAME CLASSIFY_OUTPUT_CLASSES CLASSIFY_OUTPUT_SCORES "
        "DEFAULT_SERVING_SIGNATURE_DEF_KEY PREDICT_INPUTS PREDICT_METHOD_NAME PREDICT_OUTPUTS "
        "REGRESS_INPUTS REGRESS_METHOD_NAME REGRESS_OUTPUTS"
    ),
    "tag_constants": "GPU SERVING TPU TRAINING",
}
for _group, _names in _GROUPS.items():
    for _name in _names.split():
        export_constant(
            f"saved_model.{_name}",
            globals()[_name],
            v1=[f"saved_model.{_name}", f"saved_model.{_group}.{_name}"],
        )
for _name in ("LEGACY_INIT_OP_KEY", "MAIN_OP_KEY"):
    _value = globals()[_name]
    export_constant(None, _value, v1=[f"saved_model.{_name}", f"saved_model.constants.{_name}"])


@export("saved_model.experimental.VariablePolicy")
class VariablePolicy(enum.Enum):
    """Properties of variables to save in addition to their values."""

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"

    def _save_variable_devices(self) -> bool:
        """True if the devices of variables are saved."""
        return self is not VariablePolicy.NONE

    def _expand_distributed_variables(self) -> bool:
        """True if the components of distributed variables are saved."""
        return self is VariablePolicy.EXPAND_DISTRIBUTED_VARIABLES

    @staticmethod
    def from_obj(obj: Any) -> "VariablePolicy":
        """Returns the policy given as a member, its value or its case-insensitive name.

        Args:
          obj: what names the policy; None is that of no properties.

        Raises:
          ValueError: there is none.
        """
        if obj is None or isinstance(obj, VariablePolicy):
            return obj or VariablePolicy.NONE
        for policy in VariablePolicy:
            if policy.value is not None and policy.value == str(obj).lower():
                return policy
        raise ValueError(f"Received invalid VariablePolicy value: {obj}.")


@export("saved_model.SaveOptions", v1=["saved_model.SaveOptions"])
@dataclass(eq=False, repr=False)
class SaveOptions:
    """Options of `tf.saved_model.save`.

    Args:
      namespace_whitelist: the namespaces of operations that may be saved.
      save_debug_info: whether the lines that made operations are saved.
      function_aliases: names for functions, a dictionary.
      experimental_debug_stripper: whether assertions and their like are left out.
      experimental_io_device: the device of the operations that read and write.
      experimental_variable_policy: a `tf.saved_model.experimental.VariablePolicy`.
      experimental_custom_gradients: whether gradients of users' functions are saved.
      experimental_image_format: whether a file may exceed two gigabytes.
      experimental_skip_saver: whether the operations that restore values are left out.
      experimental_sharding_callback: what decides about the files of values.
      extra_tags: further tags of the program.
      pack_key: Penstock's own: the file of a secret key; the model's machine code is saved with it, signed by this key (docs/packs.md).

    >>> tf.saved_model.SaveOptions(save_debug_info=True).save_debug_info
    True
    """

    namespace_whitelist: Sequence[str] | None = None
    save_debug_info: bool = False
    function_aliases: Any = None
    experimental_debug_stripper: bool = False
    experimental_io_device: str | None = None
    experimental_variable_policy: Any = None
    experimental_custom_gradients: bool = True
    experimental_image_format: bool = False
    experimental_skip_saver: bool = False
    experimental_sharding_callback: Any = None
    extra_tags: Sequence[str] | None = None
    pack_key: Any = None

    def __post_init__(self) -> None:
        allowed = self.namespace_whitelist
        if allowed is not None and not isinstance(allowed, list):
            raise TypeError(
                f"`namespace_whitelist` must be a list of strings. Got: {allowed} with type {type(allowed)}."
            )
        for namespace in allowed or ():
            if not isinstance(namespace, str):
                raise ValueError(
                    f"Whitelisted namespace must be a string. Got: {namespace} of type {type(namespace)}."
                )
        self.function_aliases = self.function_aliases or {}
        self.experimental_variable_policy = VariablePolicy.from_obj(
            self.experimental_variable_policy
        )


@export("saved_model.LoadOptions", v1=["saved_model.LoadOptions"])
@dataclass(eq=False, repr=False)
class LoadOptions:
    """Options of `tf.saved_model.load`.

    Args:
      allow_partial_checkpoint: whether values may be missing in the files.
      experimental_io_device: the device of the operations that read.
      experimental_skip_checkpoint: whether variables stay without values.
      experimental_variable_policy: a `tf.saved_model.experimental.VariablePolicy`.
      experimental_load_function_aliases: whether the aliases of functions are loaded.

    >>> tf.saved_model.LoadOptions(experimental_io_device="/CPU:0").experimental_io_device
    '/CPU:0'
    """

    allow_partial_checkpoint: bool = False
    experimental_io_device: str | None = None
    experimental_skip_checkpoint: bool = False
    experimental_variable_policy: Any = None
    experimental_load_function_aliases: bool = False

    def __post_init__(self) -> None:
        self.experimental_variable_policy = VariablePolicy.from_obj(
            self.experimental_variable_policy
        )
