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

BytesList.__doc__ = """The values of a feature of strings.

Attributes:
  value: the strings, as bytes.

>>> tf.train.BytesList(value=[b"a", b"b"]).value[1]
b'b'
"""
FloatList.__doc__ = """The values of a feature of float32 numbers.

Attributes:
  value: the numbers.

>>> list(tf.train.FloatList(value=[1.5, 2.5]).value)
[1.5, 2.5]
"""
Int64List.__doc__ = """The values of a feature of int64 numbers.

Attributes:
  value: the numbers.

>>> list(tf.train.Int64List(value=[1, 2]).value)
[1, 2]
"""
Feature.__doc__ = """A feature: a list of values of one kind.

Attributes:
  bytes_list: a `tf.train.BytesList`.
  float_list: a `tf.train.FloatList`.
  int64_list: a `tf.train.Int64List`; only one of the three is set.

>>> feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))
>>> feature.WhichOneof("kind")
'int64_list'
"""
Features.__doc__ = """The features of an example, by their names.

Attributes:
  feature: a map of names to `tf.train.Feature`.

>>> age = tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))
>>> list(tf.train.Features(feature={"age": age}).feature)
['age']
"""
Example.__doc__ = """A record of training data, which `tf.io.parse_example` reads.

Attributes:
  features: a `tf.train.Features`.

>>> age = tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))
>>> example = tf.train.Example(features=tf.train.Features(feature={"age": age}))
>>> spec = {"age": tf.io.FixedLenFeature([], tf.int64)}
>>> tf.io.parse_single_example(example.SerializeToString(), spec)["age"].numpy()
np.int64(7)
"""
FeatureList.__doc__ = """A feature of a sequence: a Feature for each step.

Attributes:
  feature: the steps.
"""
FeatureLists.__doc__ = """The features of a sequence, by their names.

Attributes:
  feature_list: a map from names to FeatureLists.
"""
SequenceExample.__doc__ = """A record of a sequence, which `tf.io.parse_sequence_example` reads.

Attributes:
  context: the Features of the whole sequence.
  feature_lists: the FeatureLists of its steps.
"""
