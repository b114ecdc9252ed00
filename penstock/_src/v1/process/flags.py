"""tf.compat.v1.flags: absl's, which also take older names of arguments, and are parsed when one is first read."""

import functools
import sys
import warnings

from absl import flags as absl_flags

_OLDER = {"flag_name": "name", "default_value": "default", "docstring": "help"}


def _with_older_names(define):
    @functools.wraps(define)
    def define_flag(*args, **kwargs):
        older = [name for name in _OLDER if name in kwargs]
        for name in older:
            kwargs[_OLDER[name]] = kwargs.pop(name)
        if older:
            warnings.warn(
                "The keyword arguments flag_name, default_value, docstring of flags are deprecated: use name, "
                "default, help instead.",
                DeprecationWarning,
                stacklevel=2,
            )
        return define(*args, **kwargs)

    return define_flag


class _FlagValuesWrapper:
    """absl's flags. The first read parses the command line of the process, if it was not parsed before."""

    def __init__(self, values):
        self.__dict__["_values"] = values

    def __getattr__(self, name):
        values = self.__dict__["_values"]
        if not hasattr(type(values), name) and not values.is_parsed():
            values(sys.argv)
        return getattr(values, name)

    def __setattr__(self, name, value):
        setattr(self.__dict__["_values"], name, value)

    def __delattr__(self, name):
        delattr(self.__dict__["_values"], name)

    def __dir__(self):
        return dir(self.__dict__["_values"])

    def __getitem__(self, name):
        return self.__dict__["_values"][name]

    def __setitem__(self, name, flag):
        self.__dict__["_values"][name] = flag

    def __contains__(self, name):
        return name in self.__dict__["_values"]

    def __len__(self):
        return len(self.__dict__["_values"])

    def __iter__(self):
        return iter(self.__dict__["_values"])

    def __str__(self):
        return str(self.__dict__["_values"])

    def __call__(self, *args, **kwargs):
        return self.__dict__["_values"](*args, **kwargs)


DEFINE_string = _with_older_names(absl_flags.DEFINE_string)
DEFINE_boolean = DEFINE_bool = _with_older_names(absl_flags.DEFINE_boolean)
DEFINE_float = _with_older_names(absl_flags.DEFINE_float)
DEFINE_integer = _with_older_names(absl_flags.DEFINE_integer)
FLAGS = _FlagValuesWrapper(absl_flags.FLAGS)
# The flags belong to the modules that define them, not to this one.
absl_flags.disclaim_key_flags()


def __getattr__(name):
    return getattr(absl_flags, name)


def __dir__():
    return sorted({*globals(), *dir(absl_flags)})
