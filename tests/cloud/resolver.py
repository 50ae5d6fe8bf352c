"""A DNS resolver of the test's own: it knows the TXT records that it is given, and no other name."""

import contextlib
import socketserver
import threading

TXT, IN, NO_SUCH_NAME = 16, 1, 3


def question(query):
    """The name of a query, and where its question ends."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1:at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower(), at + 5


class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        query, socket = self.request
        name, end = question(query)
        texts = self.server.records.get(name)
        number = lambda value: value.to_bytes(2, "big")
        # A response that is recursive, with the bit of the query that asks for recursion.
        flags = bytes([0x80 | (query[2] & 1), 0x80 | (NO_SUCH_NAME if texts is None else 0)])
        of_type = int.from_bytes(query[end - 4:end - 2], "big")
        texts = [text.encode() for text in texts or []] if of_type == TXT else []
        answers = b"".join(
            b"\xc0\x0c" + number(TXT) + number(IN) + bytes(4) + number(len(text) + 1) + bytes([len(text)]) + text
            for text in texts
        )
        header = query[:2] + flags + number(1) + number(len(texts)) + bytes(4)
        socket.sendto(header + query[12:end] + answers, self.client_address)


class Resolver(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.records = {}

    @property
    def address(self):
        host, port = self.server_address
        return f"{host}:{port}"


@contextlib.contextmanager
def resolver():
    """Runs the resolver."""
    with Resolver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
