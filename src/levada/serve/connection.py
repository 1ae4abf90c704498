"""HTTP below the apps: what waitress refuses by itself is told as JSON, and logged, like all else.

Where a message could be read in two ways it is refused. Nothing in front of the server reads it in another way today.
"""

import json
from datetime import UTC, datetime

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask

from levada.serve.access import LOGGER, line

__all__ = ["Channel"]


class _Parser(HTTPRequestParser):  # type: ignore[misc] # waitress ships no types
    """A request as it comes."""

    def received(self, data: bytes) -> int:
        """Take some of `data`, and tell how many bytes."""
        consumed: int = super().received(data)
        if self.completed:
            # Else waitress 3.0.2 says "100 Continue" to a request that it refuses, or that has no body, and waits on.
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Refuse what has two lengths, or a length that its version of HTTP does not know (RFC 9112, 6.1)."""
        super().parse_header(header_plus)
        if "TRANSFER_ENCODING" in self.headers:  # taken out where it is known
            raise ParsingError("Transfer-Encoding needs HTTP/1.1")
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("both Transfer-Encoding and Content-Length are given")


class _Refusal(ErrorTask):  # type: ignore[misc] # waitress ships no types
    """The answer to what is no request that an app could be given."""

    def execute(self) -> None:
        """Write it."""
        error = self.request.error
        # What follows a quotation mark is the sender's own words, a header with a password perhaps.
        why = error.body.partition(' "')[0]
        message = f"no request that this server can take: {error.reason}: {why}"
        body = json.dumps({"message": message}).encode() + b"\n"
        facts = {"remote": self.channel.addr[0], "status": error.code, "message": message}
        LOGGER.info("%s", line({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts}))
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc] # waitress ships no types
    """A connection."""

    parser_class = _Parser
    error_task_class = _Refusal
