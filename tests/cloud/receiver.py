"""A receiver of webhooks on the loopback."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_first = headers["webhook-id"] not in [known["webhook-id"] for known, _ in self.server.received]
        self.server.received.append((headers, body))
        self.send_response(503 if is_first else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Receiver(http.server.ThreadingHTTPServer):
    """Answers 503 to the first attempt of each message, and 204 to the others."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.received = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def messages(self, wanted):
        """The attempts to send a message."""
        return [(headers, body) for headers, body in self.received if headers["webhook-id"] == wanted]


def is_signed(secret, headers, body):
    """Whether a message has the signature of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{expected}"


@contextlib.contextmanager
def receiver():
    """Runs the receiver."""
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
