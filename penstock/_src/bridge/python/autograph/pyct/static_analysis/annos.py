"""Keys of annotations: `tensorflow.python.autograph.pyct.static_analysis.annos`."""

from enum import Enum


class NodeAnno(Enum):
    """Keys of results of static analysis."""

    IS_LOCAL = "is local"
    IS_PARAM = "is a parameter"
    IS_MODIFIED_SINCE_ENTRY = "is modified since the function began"
    ARGS_SCOPE = "names that arguments use"
    COND_SCOPE = "names that a condition uses"
    ITERATE_SCOPE = "names that a loop's target uses"
    ARGS_AND_BODY_SCOPE = "names that a function uses"
    BODY_SCOPE = "names that a body uses"
    ORELSE_SCOPE = "names that the other branch uses"

    def __repr__(self) -> str:
        return self.name
