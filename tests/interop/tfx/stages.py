"""python -m tests.interop.tfx.stages STAGE FOLDER [SHARED] [DAEMON]: runs a stage on the TensorFlow of this environment.

The artifacts are written below FOLDER, and their values into FOLDER/values.json. `components` continues from the artifacts in SHARED, which
another environment's penguin stage wrote: examples are shuffled by CsvExampleGen without a seed.
"""

import json
import sys
from pathlib import Path

from absl import flags
from tfx import examples as tfx_examples
from tfx import v1 as tfx

from tests.interop.tfx import artifacts

EXAMPLES = Path(tfx_examples.__path__[0])
TESTDATA = EXAMPLES.parent / "components" / "testdata" / "penguin"
SCHEMA = TESTDATA / "schema" / "schema.pbtxt"
MODULES = Path(__file__).parent / "modules"


def main(stage: str, folder: str, *others: str) -> None:
    """Runs a stage."""
    flags.FLAGS([sys.argv[0]])
    Path(folder).mkdir(parents=True)
    values = STAGES[stage](Path(folder), *others)
    (Path(folder) / "values.json").write_text(json.dumps(values))


def penguin(folder: Path) -> dict:
    """TFX's penguin pipeline with the Tuner, by LocalDagRunner."""
    from tfx.examples.penguin import penguin_pipeline_local

    _write_penguins(folder / "data")
    tfx.orchestration.LocalDagRunner().run(
        penguin_pipeline_local.create_pipeline(
            pipeline_name="penguin",
            pipeline_root=str(folder / "pipeline"),
            data_root=str(folder / "data"),
            module_file=str(MODULES / "penguin.py"),
            accuracy_threshold=0.6,
            serving_model_dir=str(folder / "serving"),
            metadata_path=str(folder / "metadata.db"),
            user_provided_schema_path=str(SCHEMA),
            enable_tuning=True,
            # On TensorFlow it fails with models of Keras 3: "Could not find variable dense_3/kernel".
            enable_bulk_inferrer=False,
            enable_example_diff=False,
            examplegen_input_config=None,
            examplegen_range_config_date=None,
            resolver_range_config=None,
            beam_pipeline_args=["--direct_running_mode=in_memory"],
            enable_transform_input_cache=True,
        )
    )
    return _values(folder)


def _write_penguins(folder: Path) -> None:
    """Writes the penguins, which the wheel has as records, as the table of the example."""
    rows = [row for split in artifacts.examples(TESTDATA / "data").values() for row in split]
    names = sorted(rows[0])
    lines = [names] + [[f"{row[name][0]:.6g}" for name in names] for row in rows]
    (folder / "labelled").mkdir(parents=True)
    (folder / "labelled" / "penguins.csv").write_text(
        "".join(",".join(line) + "\n" for line in lines)
    )


def taxi(folder: Path) -> dict:
    """TFX's pipeline of taxi rides in Chicago, by LocalDagRunner."""
    from tfx.examples.chicago_taxi_pipeline import taxi_pipeline_native_keras

    tfx.orchestration.LocalDagRunner().run(
        taxi_pipeline_native_keras._create_pipeline(
            pipeline_name="taxi",
            pipeline_root=str(folder / "pipeline"),
            data_root=str(EXAMPLES / "chicago_taxi_pipeline" / "data" / "simple"),
            module_file=str(MODULES / "taxi.py"),
            serving_model_dir=str(folder / "serving"),
            metadata_path=str(folder / "metadata.db"),
            beam_pipeline_args=["--direct_running_mode=in_memory"],
        )
    )
    return _values(folder)


def _values(folder: Path) -> dict:
    """The values of the artifacts that do not depend on the order of the examples."""
    read = {
        "StatisticsGen/statistics": artifacts.statistics,
        "ExampleValidator/anomalies": artifacts.anomalies,
        "SchemaGen/schema": artifacts.schema,
        "ImportSchemaGen/schema": artifacts.schema,
        "Transform/transform_graph": artifacts.vocabularies,
        "Transform/transformed_examples": artifacts.examples,
        "Transform/post_transform_stats": artifacts.statistics_of_floats,
    }
    pipeline = folder / "pipeline"
    values = {
        name: function(artifacts.latest(pipeline / name))
        for name, function in read.items()
        if (pipeline / name).exists()
    }
    evaluator = pipeline / "Evaluator"
    values["blessed"] = (artifacts.latest(evaluator / "blessing") / "BLESSED").exists()
    values["pushed"] = len(list((folder / "serving").glob("*/saved_model.pb")))
    values["lineage"] = artifacts.lineage(folder / "metadata.db")
    return values


def components(folder: Path, shared: str, daemon: str) -> dict:
    """Components one by one in TFX's interactive context, with legacy Keras, from examples that both environments share."""
    import tensorflow_model_analysis as tfma
    from tfx.orchestration.experimental.interactive.interactive_context import InteractiveContext
    from tfx.types import standard_artifacts as kinds

    from tests.interop.tfx.engine import VERSION

    context = InteractiveContext("components", str(folder / "pipeline"))

    def imported(name: str, kind: type, **properties: str):
        uri = str(artifacts.latest(Path(shared) / "pipeline" / name))
        importer = tfx.dsl.Importer(uri, kind, properties=properties).with_id(
            name.replace("/", "_")
        )
        context.run(importer)
        return importer.outputs["result"]

    splits = {"split_names": '["train", "eval"]'}
    examples = imported("CsvExampleGen/examples", kinds.Examples, **splits)
    model_spec = tfma.ModelSpec(
        signature_name="serving_default",
        label_key="species_xf",
        preprocessing_function_names=["transform_features"],
    )
    metrics = [
        tfma.MetricConfig(class_name=name) for name in ("SparseCategoricalAccuracy", "ExampleCount")
    ]
    trainer = tfx.components.Trainer(
        module_file=str(MODULES / "penguin.py"),
        examples=imported("Transform/transformed_examples", kinds.Examples, **splits),
        transform_graph=imported("Transform/transform_graph", kinds.TransformGraph),
        schema=imported("ImportSchemaGen/schema", kinds.Schema),
        train_args=tfx.proto.TrainArgs(num_steps=100),
        eval_args=tfx.proto.EvalArgs(num_steps=5),
    )
    context.run(trainer)
    model = trainer.outputs["model"]
    evaluator = tfx.components.Evaluator(
        examples=examples,
        model=model,
        eval_config=tfma.EvalConfig(
            model_specs=[model_spec],
            slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=["species"])],
            metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
        ),
    )
    inferrer = tfx.components.BulkInferrer(
        examples=examples,
        model=model,
        data_spec=tfx.proto.DataSpec(),
        model_spec=tfx.proto.ModelSpec(),
    )
    validator = tfx.components.InfraValidator(
        model=model,
        examples=examples,
        serving_spec=tfx.proto.ServingSpec(
            tensorflow_serving=tfx.proto.TensorFlowServing(tags=["latest"]),
            local_docker=tfx.proto.LocalDockerConfig(
                client_base_url=daemon, client_api_version=VERSION
            ),
        ),
        request_spec=tfx.proto.RequestSpec(
            tensorflow_serving=tfx.proto.TensorFlowServingRequestSpec(),
            num_examples=3,
            make_warmup=True,
        ),
    )
    pusher = tfx.components.Pusher(
        infra_blessing=validator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(folder / "serving"))
        ),
    )
    context.run(evaluator)
    # Processes of Beam, which load the model themselves.
    context.run(
        inferrer,
        beam_pipeline_args=["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    )
    context.run(validator)
    context.run(pusher)

    def path(component, output: str) -> Path:
        return Path(component.outputs[output].get()[0].uri)

    return {
        "metrics": artifacts.evaluation(path(evaluator, "evaluation")),
        "predictions": artifacts.predictions(path(inferrer, "inference_result")),
        "infra_blessed": (path(validator, "blessing") / "INFRA_BLESSED").exists(),
        "pushed": len(list((folder / "serving").glob("*/saved_model.pb"))),
        "lineage": artifacts.lineage(folder / "pipeline" / "metadata.sqlite"),
    }


def kubeflow(folder: Path) -> dict:
    """The penguin pipeline compiled for Kubeflow Pipelines, read by its protocol buffer."""
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.examples.penguin import penguin_pipeline_kubeflow as example

    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(),
        output_filename=str(folder / "pipeline.json"),
    )
    runner.run(
        example.create_pipeline(
            pipeline_name="penguin",
            pipeline_root=str(folder),
            data_root="gs://bucket/data",
            module_file=str(MODULES / "penguin.py"),
            ai_platform_training_args={},
            ai_platform_serving_args={},
            enable_tuning=True,
            enable_cache=True,
            user_provided_schema_path="gs://bucket/schema.pbtxt",
            beam_pipeline_args=[],
            use_cloud_component=False,
            use_aip=False,
            use_vertex=False,
            serving_model_dir="gs://bucket/serving",
        )
    )
    job = json.loads((folder / "pipeline.json").read_text().replace(str(folder), "folder"))
    spec = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    return {"job": job, "components": sorted(spec.components)}


STAGES = {"penguin": penguin, "taxi": taxi, "components": components, "kubeflow": kubeflow}

if __name__ == "__main__":
    main(*sys.argv[1:])
