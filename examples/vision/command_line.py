"""The options that all examples here have."""

import argparse


def options(description):
    """Returns the options `quick` and `picture`, from the command line.

    Args:
      description: the docstring of the example.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run on little data")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of the results")
    return parser.parse_args()
