"""moto's server, which does one thing at a time.

As it comes it does several, and a transaction that fails puts the whole table back as it was before it,
without what others wrote meanwhile.
"""

from io import BytesIO
from threading import Lock

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
turn = Lock()


def one_at_a_time(environ, start_response):
    # Read before its turn: a client that stops in the middle must not keep the others waiting.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
    with turn:
        return moto(environ, start_response)


run_simple("127.0.0.1", 0, one_at_a_time, threaded=True)
