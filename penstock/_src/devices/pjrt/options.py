"""XLA's options of compilation, as far as PJRT plugins need them."""

from penstock._src.proto.schema import Schema

COMPILE_OPTIONS = Schema(
    "compile_options",
    """
CompileOptionsProto
    executable_build_options=3 ExecutableBuildOptionsProto, env_option_overrides=7 {string: OptionOverrideProto}
OptionOverrideProto
    (value: string_field=1 string, bool_field=2 bool, int_field=3 int64, double_field=4 double)
ExecutableBuildOptionsProto
    device_ordinal=1 int64, num_replicas=4 int64, num_partitions=5 int64
""",
    package="xla",
)
