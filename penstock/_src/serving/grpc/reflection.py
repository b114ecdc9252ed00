"""gRPC's reflection service: which services there are, and their messages."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2

from penstock._src.core import errors
from penstock._src.proto.schema import POOL, Schema


class Reflection:
    """Answers questions.

    Args:
      schema: the messages of this version of the service.
      services: names of services.
    """

    def __init__(self, schema: Schema, services: list[str]) -> None:
        self._services = sorted(services)
        self.request, self._reply = schema.many("ServerReflectionRequest ServerReflectionResponse")

    def answer(self, request: Any) -> Any:
        """Returns the answer to a question."""
        reply = self._reply(valid_host=request.host, original_request=request)
        kind = request.WhichOneof("message_request")
        try:
            if kind == "list_services":
                for name in self._services:
                    reply.list_services_response.service.add(name=name)
            elif kind == "file_by_filename":
                self._add_files(reply, POOL.FindFileByName(request.file_by_filename))
            elif kind == "file_containing_symbol":
                file = POOL.FindFileContainingSymbol(request.file_containing_symbol)
                self._add_files(reply, file)
            elif kind == "all_extension_numbers_of_type":
                numbers = reply.all_extension_numbers_response
                numbers.base_type_name = request.all_extension_numbers_of_type
            else:
                raise KeyError(kind)
        except KeyError as error:
            reply.error_response.error_code = errors.NOT_FOUND
            reply.error_response.error_message = f"Not found: {error}"
        return reply

    def _add_files(self, reply: Any, file: Any) -> None:
        """Adds a file and those that it needs."""
        pending, seen = [file], set()
        while pending:
            each = pending.pop()
            if each.name in seen:
                continue
            seen.add(each.name)
            pending += each.dependencies
            message = descriptor_pb2.FileDescriptorProto()
            each.CopyToProto(message)
            protos = reply.file_descriptor_response.file_descriptor_proto
            protos.append(message.SerializeToString())
