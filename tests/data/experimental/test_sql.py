"""Rows of database queries: SQLite's conversions to the declared types. Expected values are TensorFlow's."""

import sqlite3

import pytest

import penstock as tf

errors = tf.errors


@pytest.fixture
def query(tmp_path):
    path = str(tmp_path / "people.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER, name TEXT, r REAL, big BIGINT)")
        rows = [(1, "John", 1.5, 2**40), (2, "12ab", -2.25, -5), (300, "", 9e99, None)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)

    def column(text, *types):
        rows = tf.data.experimental.SqlDataset("sqlite", path, text, types)
        return [row[0] if len(row) == 1 else row for row in rows.as_numpy_iterator()]

    return column


def test_integers_keep_their_low_bits(query):
    assert query("SELECT id FROM t", tf.uint8) == [1, 2, 44]
    assert query("SELECT id FROM t", tf.int8) == [1, 2, 44]
    assert query("SELECT big FROM t", tf.int32) == [0, -5, 0]
    assert query("SELECT big FROM t", tf.int64) == [2**40, -5, 0]
    assert query("SELECT id FROM t", tf.bool) == [True, True, True]


def test_other_types_are_cast(query):
    assert query("SELECT name FROM t", tf.int32) == [0, 12, 0]
    assert query("SELECT r FROM t", tf.int32) == [1, -2, -1]
    assert query("SELECT id FROM t", tf.float64) == [1.0, 2.0, 300.0]
    assert query("SELECT id FROM t", tf.string) == [b"1", b"2", b"300"]
    assert query("SELECT r FROM t", tf.string)[:2] == [b"1.5", b"-2.25"]


def test_only_the_first_statement_runs(query):
    assert query("SELECT name FROM t LIMIT 1; SELECT id FROM t", tf.string) == [b"John"]


def test_refused_types(query):
    for dtype in (tf.float32, tf.complex64, tf.uint32):
        with pytest.raises(errors.InvalidArgumentError, match="must be one of: DT_STRING"):
            query("SELECT id FROM t", dtype)


def test_wrong_queries(query):
    with pytest.raises(errors.UnknownError, match="no such column: foo: SELECT foo FROM t"):
        query("SELECT foo FROM t", tf.int32)
    with pytest.raises(errors.UnknownError, match="syntax error"):
        query("selec", tf.int32)
    for text in ("SELECT id, name FROM t WHERE id > 999", "INSERT INTO t (id) VALUES (9)"):
        with pytest.raises(errors.InvalidArgumentError, match="number of columns in query"):
            query(text, tf.int32)


def test_a_database_that_is_not_there(tmp_path):
    rows = tf.data.experimental.SqlDataset(
        "sqlite", str(tmp_path / "folder" / "none.db"), "SELECT 1", (tf.int32,)
    )
    with pytest.raises(errors.InvalidArgumentError, match="unable to open database file"):
        next(iter(rows))


@pytest.mark.parametrize(
    "statement",
    ["VACUUM INTO 'made.db'", "ATTACH DATABASE 'made.db' AS made", "PRAGMA journal_mode=WAL"],
)
def test_a_query_writes_no_files(query, statement, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.InvalidArgumentError, match=r"number of columns in query \(0\)"):
        query(statement, tf.int64)
    assert [each.name for each in tmp_path.iterdir()] == ["people.db"]
    assert query(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c",
        tf.int32,
    ) == [1, 2, 3]


def test_a_path_is_only_a_path(query, tmp_path, monkeypatch):
    """Parameters of a URI in it do not open the database to be written."""
    monkeypatch.chdir(tmp_path)
    for path in ("people.db?mode=rwc&a=", "made.db?mode=rwc&a="):
        rows = tf.data.experimental.SqlDataset(
            "sqlite", path, "CREATE TABLE n (x INTEGER)", tf.int64
        )
        with pytest.raises(errors.InvalidArgumentError, match="unable to open"):
            list(rows)
    assert [each.name for each in tmp_path.iterdir()] == ["people.db"]
