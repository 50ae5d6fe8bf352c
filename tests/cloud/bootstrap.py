#!/usr/bin/env python3
"""Runs a function of an earlier release, which lies beside it, in the emulator: see `gaps.EarlierFunctions`.

Between the function and its Runtime API is a proxy, in a process of its own. It ends with the function.
"""

import http.client
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UPSTREAM = os.environ["AWS_LAMBDA_RUNTIME_API"]
FUNCTION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "function")
# The event of an HTTP API has these only where they have members.
MAPS = ("pathParameters", "queryStringParameters", "stageVariables")
SERVICES = ("DYNAMODB", "SECRETS_MANAGER", "STS")


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        upstream = http.client.HTTPConnection(UPSTREAM)
        upstream.request(self.command, self.path, body or None, {
            name: value for name, value in self.headers.items()
            if name.lower() not in ("host", "connection", "content-length", "transfer-encoding")
        })
        answer = upstream.getresponse()
        body = answer.read()
        if self.path.endswith("/invocation/next"):
            event = json.loads(body)
            for name in MAPS:
                if name in event and event[name] is None:
                    del event[name]
            body = json.dumps(event).encode()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        upstream.close()

    do_GET = do_POST = forward

    def log_message(self, *_):
        pass


def end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    function = os.getpid()
    if os.fork() == 0:
        threading.Thread(target=end_with, args=(function,), daemon=True).start()
        server.serve_forever()
    own = {f"AWS_ENDPOINT_URL_{service}": os.environ["AWS_ENDPOINT_URL"] for service in SERVICES}
    # The template sets one of them to nothing.
    environment = os.environ | own | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"}
    os.execve(FUNCTION, [FUNCTION, *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
