"""Ops that connect a summary writer to a database, and that write complete events."""

from google.protobuf.message import DecodeError

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import DataLossError
from penstock._src.core.op import Op
from penstock._src.ops.summaries.database import DatabaseWriter
from penstock._src.proto.event import Event


class CreateSummaryDbWriter(Op):
    """Makes a summary writer write to the SQLite file `db_uri`."""

    signature = """writer: resource, db_uri: string, experiment_name: string, run_name: string,
        user_name: string ->"""
    permissions = Permissions(capabilities="write_files", file_arguments="db_uri")

    def eager(self, writer, db_uri, experiment_name, run_name, user_name):
        texts = [t.item().decode() for t in (db_uri, experiment_name, run_name, user_name)]
        if writer.writer is None:
            writer.writer = DatabaseWriter(*texts)
        return ()


class ImportEvent(Op):
    """Writes a serialized Event unchanged."""

    signature = "writer: resource, event: string ->"

    def eager(self, writer, event):
        try:
            parsed = Event.FromString(event.ravel()[0])
        except DecodeError as error:
            raise DataLossError("Bad tf.Event binary proto tensor string") from error
        writer.opened().write(parsed)
        return ()
