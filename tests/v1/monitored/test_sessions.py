"""Monitored sessions and hooks of v1, against TensorFlow 2.21."""

import json
import os

import pytest

import penstock as tf
from penstock._src.v1.monitored.worker_context import WorkerContext

v1 = tf.compat.v1
train = v1.train


@pytest.fixture
def model():
    """(variable, operation of a step) in a graph of their own."""
    with tf.Graph().as_default() as graph:
        step = train.get_or_create_global_step()
        variable = v1.get_variable("v", initializer=1.0)
        added = v1.assign_add(variable, 1.0)
        with graph.control_dependencies([added]):
            counted = v1.assign_add(step, 1)
        v1.summary.scalar("s", variable)
        yield variable, counted


class Recorder(train.SessionRunHook):
    def __init__(self, variable):
        self.variable, self.log = variable, []

    def begin(self):
        self.log.append("begin")

    def after_create_session(self, session, coord):
        self.log.append("create")

    def before_run(self, run_context):
        return train.SessionRunArgs({"v": self.variable})

    def after_run(self, run_context, run_values):
        self.log.append(float(run_values.results["v"]))

    def end(self, session):
        self.log.append("end")


def test_training_is_saved_and_restored(model, tmp_path):
    variable, counted = model
    folder, recorder = str(tmp_path), Recorder(variable)
    arguments = dict(save_checkpoint_steps=2, save_summaries_steps=1, log_step_count_steps=1)
    hooks = [recorder, train.StopAtStepHook(last_step=3), train.NanTensorHook(variable)]
    with train.MonitoredTrainingSession("", True, folder, hooks=hooks, **arguments) as session:
        while not session.should_stop():
            session.run(counted)
    assert recorder.log == ["begin", "create", 1.0, 2.0, 3.0, "end"]
    files = os.listdir(folder)
    saved = sorted(name for name in files if name.endswith(".index"))
    assert saved == [f"model.ckpt-{step}.index" for step in (0, 2, 3)]
    assert "graph.pbtxt" in files and any("tfevents" in name for name in files)
    with train.MonitoredTrainingSession(checkpoint_dir=folder) as session:
        assert session.run(variable) == 4.0
        assert (
            session.run_step_fn(lambda step_context: step_context.run_with_hooks(variable)) == 4.0
        )
        with pytest.raises(ValueError, match="one `step_context` argument"):
            session.run_step_fn(lambda other: None)


def test_a_singular_session_ends(model):
    _, counted = model
    hooks = [train.StopAtStepHook(num_steps=2)]
    with train.SingularMonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            last = session.run(counted)
        assert isinstance(session.raw_session(), v1.Session)
    assert last == 2
    with pytest.raises(RuntimeError, match="closed session"):
        session.run(counted)


def test_losses_that_are_no_numbers_end_training(model):
    variable, counted = model
    bad = variable * float("nan")
    with pytest.raises(train.NanLossDuringTrainingError, match="NaN loss"):
        with train.MonitoredSession(hooks=[train.NanTensorHook(bad)]) as session:
            session.run(counted)
    with train.MonitoredSession(hooks=[train.NanTensorHook(bad, False)]) as session:
        session.run(counted)
        assert session.should_stop()


def test_values_are_fed_and_fetched_at_the_end(model):
    variable, _ = model
    number = v1.placeholder(tf.float32, [])
    total = number + variable
    final = train.FinalOpsHook({"v": variable})
    with train.MonitoredSession(hooks=[final, train.FeedFnHook(lambda: {number: 5.0})]) as session:
        assert session.run(total) == 6.0
    assert final.final_ops_values == {"v": 1.0}


def test_values_are_logged(model, caplog):
    variable, counted = model
    hook = train.LoggingTensorHook({"v": variable}, every_n_iter=1)
    with caplog.at_level("INFO", "tensorflow"):
        with train.MonitoredSession(hooks=[hook]) as session:
            session.run(counted)
    assert any(record.message.startswith("v = ") for record in caplog.records)


def test_models_that_are_not_ready_are_told(model):
    variable, _ = model
    manager = train.SessionManager(ready_op=v1.report_uninitialized_variables())
    with pytest.raises(RuntimeError, match="Variables not initialized: global_step"):
        manager.prepare_session("", init_op=variable.initializer)
    session = manager.prepare_session("", init_op=v1.global_variables_initializer())
    assert session.run(variable) == 1.0


def test_initialisation_may_be_a_function(model):
    called = []
    scaffold = train.Scaffold(init_fn=lambda scaffold, session: called.append(scaffold))
    session = train.ChiefSessionCreator(scaffold).create_session()
    assert called == [scaffold] and session.run(model[0]) == 1.0


def test_timers_and_arguments():
    timer = train.SecondOrStepTimer(every_steps=3)
    assert timer.should_trigger_for_step(1) and timer.update_last_triggered_step(1) == (None, None)
    assert [timer.should_trigger_for_step(step) for step in (1, 3, 4)] == [False, False, True]
    for make in (train.StopAtStepHook, train.SecondOrStepTimer, train.SummarySaverHook):
        with pytest.raises(ValueError):
            make()
    with pytest.raises(ValueError, match="invalid every_n_iter=0"):
        train.LoggingTensorHook(["v"], every_n_iter=0)


def test_traces_are_written_periodically(model, tmp_path):
    _, step = model
    hook = train.ProfilerHook(save_steps=2, output_dir=str(tmp_path))
    with train.SingularMonitoredSession(hooks=[hook]) as session:
        for _ in range(5):
            session.run(step)
    paths = sorted(path.name for path in tmp_path.glob("timeline-*.json"))
    assert paths == ["timeline-2.json", "timeline-4.json"]
    assert "traceEvents" in json.loads((tmp_path / paths[0]).read_text())
    v1.summary.FileWriterCache.clear()
    (events,) = tmp_path.glob("events.*")
    tags = [e.tagged_run_metadata.tag for e in train.summary_iterator(str(events))]
    assert [tag for tag in tags if tag] == ["step_2", "step_4"]


def test_traces_need_one_period():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="save_steps|every_secs|Exactly"):
        train.ProfilerHook(save_steps=1, save_secs=1)


def test_final_operations_after_the_data(caplog):
    with tf.Graph().as_default():
        element = v1.data.make_one_shot_iterator(tf.data.Dataset.range(1)).get_next()
        hook = train.FinalOpsHook(element)
        with v1.Session() as session:
            session.run(element)
            with pytest.raises(tf.errors.OutOfRangeError):
                hook.end(session)
    assert "dependency back to some input source" in caplog.text


def test_scaffolds_are_copied_from_scaffolds():
    with pytest.raises(TypeError, match="not a Scaffold"):
        train.Scaffold(copy_from_scaffold=1)


class Strategy:
    """Says who saves."""

    def __init__(self, saves, inits=True):
        self.should_checkpoint = self.should_save_summary = saves
        self.experimental_should_init = inits
        self.extended = self


@pytest.mark.parametrize("saves", [True, False])
def test_tasks_save_where_their_strategy_says_so(model, tmp_path, saves):
    _, step = model
    context = WorkerContext(Strategy(saves), None, "worker", 1)
    with (
        context,
        train.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), save_checkpoint_steps=1, save_summaries_steps=1
        ) as session,
    ):
        session.run(step)
    assert (tf.train.latest_checkpoint(str(tmp_path)) is not None) == saves
    assert bool(list(tmp_path.glob("events.*"))) == saves


def test_all_tasks_save_where_saving_takes_all(model, tmp_path):
    _, step = model
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    strategy.extended._is_chief = False
    with (
        WorkerContext(strategy, None, "worker", 1),
        train.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), save_checkpoint_steps=1
        ) as session,
    ):
        session.run(step)
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    assert tf.train.latest_checkpoint(str(tmp_path / "tmp_worker_1")) is not None


def test_tasks_of_a_cluster():
    cluster = tf.train.ClusterSpec({"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"]})
    chief = WorkerContext(Strategy(True), cluster, "chief", 0)
    worker = WorkerContext(Strategy(False, inits=False), cluster, "worker", 1)
    assert (chief.is_chief, worker.is_chief, worker.num_workers) == (True, False, 3)
    assert worker.master_target == "grpc://c:1"
    assert WorkerContext(None, cluster, None, None).master_target == "grpc://a:1"
    assert isinstance(chief.session_creator(), train.ChiefSessionCreator)
    assert isinstance(worker.session_creator(), train.WorkerSessionCreator)
    with chief, pytest.raises(ValueError, match="cannot run distribute coordinator"):
        worker.__enter__()
