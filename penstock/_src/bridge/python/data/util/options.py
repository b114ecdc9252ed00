"""Groups of options."""

from penstock._src.data.options import OptionsBase, create_option, merge_options

__all__ = ["OptionsBase", "create_option", "merge_options"]
