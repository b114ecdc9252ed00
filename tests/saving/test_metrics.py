"""What the process has saved and loaded is counted, and SavedModels have fingerprints."""

import pytest

import penstock as tf
from penstock._src.saving import metrics


def test_checkpoints_are_timed(tmp_path):
    """Each write and restore has a duration, and files a size."""
    before = {k: v.count for k, v in metrics.DURATIONS.items()}
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    path = checkpoint.save(str(tmp_path / "c"))
    checkpoint.restore(path)
    for metric in ("checkpoint_write", "checkpoint_read"):
        key = metric, metrics.CHECKPOINT_V2
        assert metrics.DURATIONS[key].count == before.get(key, 0) + 1
        assert metrics.histogram(*key).num == sum(metrics.histogram(*key).bucket)
    size = metrics.size_of(path)
    assert size and metrics.COUNTS[f"checkpoint_size_{size}", metrics.CHECKPOINT_V2] >= 1


def test_durations_fall_into_buckets():
    durations = metrics.Durations()
    for value in (999, 1000, 10**12):
        durations.add(value)
    assert durations.buckets[:2] == [1, 1] and durations.buckets[-1] == 1
    assert (durations.least, durations.most, durations.sum) == (999, 10**12, 1999 + 10**12)


def test_fingerprints_tell_programs_apart(tmp_path):
    """Equal programs have equal fingerprints, though counters in names of functions differ."""

    def saved(name, factor, **kwargs):
        root = tf.Module()
        root.f = tf.function(lambda x: factor * x, input_signature=[tf.TensorSpec([])])
        tf.saved_model.save(root, str(tmp_path / name), **kwargs)
        return tf.saved_model.experimental.read_fingerprint(str(tmp_path / name))

    one, same, other = saved("one", 2.0), saved("same", 2.0), saved("other", 3.0)
    assert one.graph_def_program_hash == same.graph_def_program_hash
    assert one.graph_def_program_hash != other.graph_def_program_hash
    assert one.signature_def_hash == same.signature_def_hash
    assert one.signature_def_hash != saved("without", 2.0, signatures={}).signature_def_hash
    assert len(one.singleprint().split("/")) == 4
    with pytest.raises(ValueError, match="invalid fingerprint values"):
        tf.saved_model.experimental.Fingerprint().singleprint()


def test_the_size_of_a_savers_checkpoint_counts_its_graph(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("v", initializer=[1.0, 2.0])
        session.run(tf.compat.v1.global_variables_initializer())
        path = tf.compat.v1.train.Saver().save(session, str(tmp_path / "model"))
    assert metrics.COUNTS[f"checkpoint_size_{metrics.size_of(path)}", metrics.SAVER] == 1
