"""The messages of YDF's files that are read and written. Optional fields are those whose default is not zero, or whose absence means something."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "ydf",
    """
Model
    name=1 string, task=2 int32, label_col_idx=3 int32?, input_features=5 int32*
    ranking_group_col_idx=6 int32?, precomputed_variable_importances=7 {string: Importances}
    classification_outputs_probabilities=8 bool?, uplift_treatment_col_idx=9 int32?, metadata=10 Metadata
    hyperparameter_optimizer_logs=11 Trials
Importances
    variable_importances=1 Importance*
Importance
    attribute_idx=1 int32, importance=2 double
Metadata
    owner=1 string, created_date=2 int64, uid=3 uint64, framework=4 string
Trials
    steps=1 Trial*, best_score=4 float, best_hyperparameters=5 Hyperparameters
Trial
    evaluation_time=1 double, hyperparameters=2 Hyperparameters, score=3 float
Hyperparameters
    fields=1 Hyperparameter*
Hyperparameter
    name=1 string, value=2 HyperparameterValue
HyperparameterValue
    categorical=2 string?, integer=3 int32?, real=4 double?, categorical_list=5 Texts
Texts
    values=1 string*
Boosted
    num_node_shards=1 int32, num_trees=2 int64, loss=3 int32, initial_predictions=4 float*
    num_trees_per_iter=5 int32, validation_loss=6 float, node_format=7 string, training_logs=8 BoostedLogs
    output_logits=9 bool
BoostedLogs
    entries=1 BoostedLog*, secondary_metric_names=2 string*, number_of_trees_in_final_model=3 int32
BoostedLog
    number_of_trees=1 int32, validation_loss=4 float, validation_secondary_metrics=5 float*
Forest
    num_node_shards=1 int32, num_trees=2 int64, winner_take_all_inference=3 bool?
    out_of_bag_evaluations=4 ForestLog*, node_format=7 string
ForestLog
    number_of_trees=1 int32, evaluation=2 Results
Results
    count_predictions=1 double, count_predictions_no_weight=2 int64, classification=6 ClassResults
    regression=7 NumberResults, loss_value=10 float?, ranking=12 RankResults, uplift=14 UpliftResults
ClassResults
    confusion=1 Confusion, rocs=2 Curve*, sum_log_loss=3 double?
Confusion
    counts=1 double*, sum=2 double, nrow=3 int32, ncol=4 int32
Curve
    auc=3 double
NumberResults
    sum_square_error=1 double?
RankResults
    ndcg=5 Estimate
Estimate
    value=1 double
UpliftResults
    auuc=1 double?, qini=2 double?
Specification
    columns=1 Column*, created_num_rows=2 int64
Column
    type=1 int32, name=2 string, numerical=5 Numerical, categorical=6 Categorical
    discretized_numerical=8 Discretized
Numerical
    mean=1 double?, min_value=2 float, max_value=3 float, standard_deviation=4 double
Categorical
    most_frequent_value=1 int64?, number_of_unique_values=2 int64, is_already_integerized=5 bool, items=7 {string: Item}
Item
    index=1 int64, count=2 int64
Discretized
    boundaries=1 float*
Node
    classifier=1 Classifier, regressor=2 Regressor, condition=3 NodeCondition
    uplift=5 Uplift, anomaly_detection=6 Nothing
Nothing
Classifier
    top_value=1 int32, distribution=2 Distribution
Distribution
    counts=1 double*, sum=2 double
Regressor
    top_value=1 float, distribution=2 Normal
Normal
    sum=1 double, sum_squares=2 double?, count=3 double
Uplift
    sum_weights=1 double, treatment_effect=4 float*
NodeCondition
    na_value=1 bool, attribute=2 int32, condition=3 Condition, split_score=6 float
Condition
    na_condition=1 Nothing, higher_condition=2 Higher, true_value_condition=3 Nothing
    contains_condition=4 Elements, contains_bitmap_condition=5 Bitmap
    discretized_higher_condition=6 Discrete, oblique_condition=7 Oblique, numerical_vector_sequence=8 Nothing
Higher
    threshold=1 float
Elements
    elements=1 int32*
Bitmap
    elements_bitmap=1 bytes
Discrete
    threshold=1 int32
Oblique
    attributes=1 int32*, weights=2 float*, threshold=3 float, na_replacements=4 float*
""",
    package="penstock.ydf",
)
