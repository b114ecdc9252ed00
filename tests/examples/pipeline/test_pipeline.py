"""The example of a pipeline: what runs again, what stops it, and what it says about where a model came from."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest

import penstock as tf
from tests.examples.pipeline.flights import MONTHS, write


def steps_done(printed):
    """The steps that were done, with how many tasks."""
    return {name: int(n) for name, n in re.findall(r"(?m)^(\w+) +(\d+) done", printed) if n != "0"}


def test_the_pushed_version_is_a_saved_model_that_takes_the_columns_of_the_table(
    example, first, data
):
    assert [path.name for path in first.serving.glob("*")][:1] == ["1"]
    rows = example.table.read(data / "2013-05.csv")
    served = tf.saved_model.load(str(first.serving / "1")).signatures["serving_default"]
    late = served(**example.transform.tensors(rows))["late"].numpy()
    (kept,) = first.root.glob("artifacts/predict/*/late.npy")
    assert late.shape == (1500,) and late.tobytes() == np.load(kept).tobytes()
    assert 0.0 < late.min() < late.max() < 1.0


def test_a_second_run_does_nothing(example, first, data, capsys):
    assert example.run.main([*first.options, str(data)]) == 0
    assert steps_done(capsys.readouterr().out) == {}
    assert len(example.push.versions(first.serving)) == 1


def test_a_changed_parameter_runs_what_depends_on_it(example, first, data, capsys):
    options = [*first.options, str(data), "--tolerance", "0.9"]
    assert example.run.main(options) == 0
    assert steps_done(capsys.readouterr().out) == {"evaluate": 1}
    assert example.run.main([*options, "--units", "8"]) == 0
    expected = {"train": 1, "skew": 1, "predict": 1, "evaluate": 1}
    assert steps_done(capsys.readouterr().out) == expected
    # The new model is served; the first one is taken back.
    shutil.rmtree(example.push.versions(first.serving)[-1])


def test_an_edited_schema_is_all_that_validation_needs(example, first, data, capsys):
    schema = first.root / "schema" / "schema.json"
    before = schema.read_text()
    schema.write_text(before.replace('"drift": 0.2,', '"drift": 0.21,'))
    assert example.run.main([*first.options, str(data)]) == 0
    assert steps_done(capsys.readouterr().out) == {"validate": 5}
    schema.write_text(before)


def as_text(rows):
    return rows.assign(temp=rows.temp.astype(str) + " F")


def with_unknown_carriers(rows):
    return rows.assign(carrier=["ZZ" if at % 10 == 0 else c for at, c in enumerate(rows.carrier)])


WRONG = {
    "column missing": ("dest", lambda rows: rows.drop(columns="dest")),
    "column not in the schema": ("wind", lambda rows: rows.assign(wind=1.0)),
    "type": ("temp", as_text),
    "out of limits": ("visib", lambda rows: rows.assign(visib=rows.visib - 30)),
    "missing values": ("humid", lambda rows: rows.assign(humid=rows.humid.where(rows.day > 9))),
    "unknown values": ("carrier", with_unknown_carriers),
    "drift": ("distance", lambda rows: rows[rows.distance > 1000]),
}


@pytest.mark.parametrize("problem", WRONG)
def test_a_changed_file_is_reported_by_column(example, first, data, tmp_path, problem):
    column, change = WRONG[problem]
    rows = write(tmp_path, "2013-06", change(pd.read_csv(data / "2013-05.csv")))
    example.describe.describe(tmp_path, rows)
    schema = first.root / "schema"
    example.validate.validate(
        tmp_path, rows, tmp_path, schema / "schema.json", schema / "reference.json"
    )
    with pytest.raises(example.validate.BadDataError) as error:
        example.validate.require_good({"2013-06.csv": tmp_path})
    said = [line.split(maxsplit=2) for line in str(error.value).splitlines()[1:]]
    assert ["2013-06.csv", column] in [line[:2] for line in said]
    assert problem in next(line[2] for line in said if line[1] == column)
    if problem != "drift":  # the long flights go elsewhere, by others
        assert {line[1] for line in said} == {column}


def test_bad_data_stops_the_pipeline_before_the_model(example, first, data, tmp_path, capsys):
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    write(tmp_path, "2013-06", as_text(pd.read_csv(data / "2013-05.csv")))
    assert example.run.main([*first.options, str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert steps_done(printed) == {"statistics": 1, "validate": 1}
    assert re.search(r"2013-06.csv +temp +type +50.0 F, not number", printed)


def test_a_worse_model_is_not_pushed(example, first, data, capsys):
    worse = [*first.options, str(data), "--epochs", "1", "--rate", "1e-6", "--least-auc", "0"]
    assert example.run.main(worse) == 1
    printed = capsys.readouterr().out
    assert "The model is not pushed" in printed and re.search(r"\nall: loss [\d.]+, not", printed)
    assert re.search(r"\norigin=JFK: loss", printed)
    assert [version.name for version in example.push.versions(first.serving)] == ["1"]


def test_a_number_that_was_trained_otherwise_is_skew(example, first, data, tmp_path):
    lineage = example.lineage.Lineage(first.root)
    model = first.root / "artifacts" / lineage.all_of("train")[0]
    (rule,) = first.root.glob("artifacts/analyze/*")
    rows = example.table.read(data / "2013-04.csv")
    rows.loc[7, "temp"] = np.nextafter(np.float32(rows.loc[7, "temp"]), np.float32(1000))
    example.transform.materialize(tmp_path, write(tmp_path, "changed", rows), rule)
    with pytest.raises(example.evaluate.SkewError, match=r"\{'temp': 1\}"):
        example.evaluate.compare(tmp_path, data / "2013-04.csv", tmp_path, model)


def test_lineage_says_which_data_made_a_model(example, first, data):
    lineage = example.lineage.Lineage(first.root)
    model = example.push.origin(first.serving / "1")
    files = {f"{month}.csv" for month in MONTHS}
    digests = {name: example.store.digest_of_file(data / name) for name in files - {"2013-05.csv"}}
    assert dict(lineage.data_of(model)) == digests
    assert lineage.execution(model)["parameters"]["epochs"] == 2
    assert model in lineage.made_with("2013-02.csv")
    assert model not in lineage.made_with("2013-05.csv")
    with pytest.raises(KeyError, match="No step has made 'train/none'"):
        lineage.execution("train/none")


def test_two_runs_at_once_are_refused(example, first, data):
    import fcntl

    with (first.root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SystemExit, match="Another run uses"):
            example.run.main([*first.options, str(data)])
