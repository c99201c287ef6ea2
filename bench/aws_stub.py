"""AWS's side of the processor's benchmark: canned answers on a loopback port, nothing kept.

BatchGetItem finds every payment that is asked for (pending, with the intent of its number) and no
ledger row; what is written is accepted. Prints its port, ends when its standard input does.
"""

import json
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from paidonce.adapters.items import payment_item

from bench.payments import a_payment

_PENDING = json.dumps(payment_item(a_payment("NUMBER")))


def batch_get(request: Mapping[str, Any]) -> dict[str, Any]:
    """The payments among the keys."""
    return {
        "Responses": {
            table: [
                json.loads(_PENDING.replace("NUMBER", key["id"]["S"].removeprefix("pay_")))
                for key in part["Keys"]
                if key.get("id", {}).get("S", "").startswith("pay_")
            ]
            for table, part in request["RequestItems"].items()
        },
        "UnprocessedKeys": {},
    }


ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "DynamoDB_20120810.BatchGetItem": batch_get,
    "DynamoDB_20120810.TransactWriteItems": lambda _: {},
    "DynamoDB_20120810.PutItem": lambda _: {},
    "DynamoDB_20120810.UpdateItem": lambda _: {},
    "AmazonSQS.SendMessage": lambda _: {"MessageId": "1", "MD5OfMessageBody": ""},
    "AmazonSQS.DeleteMessageBatch": lambda _: {"Successful": [], "Failed": []},
    "AmazonSQS.ChangeMessageVisibility": lambda _: {},
}


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open as AWS keeps it."""

    protocol_version = "HTTP/1.1"
    # Otherwise the parts of an answer wait up to 40 ms for each other.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        """Answer by the name of the operation; an unknown one is an error that ends the run."""
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = ANSWERS.get(self.headers["x-amz-target"])
        body = json.dumps(answer(document) if answer else {"__type": "UnknownOperation"}).encode()
        self.send_response(200 if answer else 400)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's own name
        """Say nothing."""


def main() -> None:
    """Serve until nobody holds the other end of our standard input."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
