"""Records of training data: Example, SequenceExample and their features."""

from penstock._src.proto.schema import Schema
from penstock._src.util.export import export

SCHEMA = Schema(
    "example",
    """
BytesList
    value=1 bytes*
FloatList
    value=1 float*
Int64List
    value=1 int64*
Feature
    (kind: bytes_list=1 BytesList, float_list=2 FloatList, int64_list=3 Int64List)
Features
    feature=1 {string: Feature}
FeatureList
    feature=1 Feature*
FeatureLists
    feature_list=1 {string: FeatureList}
Example
    features=1 Features
SequenceExample
    context=1 Features, feature_lists=2 FeatureLists
""",
)

BytesList = SCHEMA["BytesList"]
FloatList = SCHEMA["FloatList"]
Int64List = SCHEMA["Int64List"]
Feature = SCHEMA["Feature"]
Features = SCHEMA["Features"]
FeatureList = SCHEMA["FeatureList"]
FeatureLists = SCHEMA["FeatureLists"]
Example = SCHEMA["Example"]
SequenceExample = SCHEMA["SequenceExample"]

export("train.BytesList")(BytesList)
export("train.FloatList")(FloatList)
export("train.Int64List")(Int64List)
export("train.Feature")(Feature)
export("train.Features")(Features)
export("train.FeatureList")(FeatureList)
export("train.FeatureLists")(FeatureLists)
export("train.Example")(Example)
export("train.SequenceExample")(SequenceExample)
