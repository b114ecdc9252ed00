"""The messages of YDF's files that readers need."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "ydf",
    """
Model
    name=1 string, task=2 int32, label_col_idx=3 int32, input_features=5 int32*
    classification_outputs_probabilities=8 bool?
Boosted
    num_node_shards=1 int32, num_trees=2 int64, loss=3 int32, initial_predictions=4 float*
    num_trees_per_iter=5 int32, node_format=7 string, output_logits=9 bool
Forest
    num_node_shards=1 int32, num_trees=2 int64, winner_take_all_inference=3 bool?, node_format=7 string
Specification
    columns=1 Column*
Column
    type=1 int32, name=2 string, categorical=6 Categorical, discretized=8 Discretized
Categorical
    most_frequent_value=1 int64, number_of_unique_values=2 int64, is_already_integerized=5 bool, items=7 {string: Item}
Item
    index=1 int64, count=2 int64
Discretized
    boundaries=1 float*
Node
    classifier=1 Classifier, regressor=2 Regressor, condition=3 NodeCondition
    uplift=5 Nothing, anomaly_detection=6 Nothing
Nothing
Classifier
    top_value=1 int32, distribution=2 Distribution
Distribution
    counts=1 double*, sum=2 double
Regressor
    top_value=1 float
NodeCondition
    na_value=1 bool, attribute=2 int32, condition=3 Condition
Condition
    na_condition=1 Nothing, higher_condition=2 Higher, true_value_condition=3 Nothing
    contains_condition=4 Elements, contains_bitmap_condition=5 Bitmap
    discretized_higher_condition=6 Discrete, oblique_condition=7 Nothing, numerical_vector_sequence=8 Nothing
Higher
    threshold=1 float
Elements
    elements=1 int32*
Bitmap
    elements_bitmap=1 bytes
Discrete
    threshold=1 int32
""",
    package="penstock.ydf",
)
