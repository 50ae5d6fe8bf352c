"""moto's server, which does one thing at a time, and copies a table in little time.

As it comes it does several, and a transaction that fails puts the whole table back as it was before it,
without what others wrote meanwhile. For that it copies the table, with all items and the whole stream, once for
each item of each transaction.
"""

from collections import defaultdict
from copy import copy, deepcopy
from io import BytesIO
from threading import Lock

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
turn = Lock()
update_in_place = DynamoDBBackend.update_item


def copy_of_table(table, _memo):
    """A copy that shares items and events, which no write changes. Tables have a hash key and a range key."""
    same = copy(table)
    same.items = defaultdict(dict, {key: dict(items) for key, items in table.items.items()})
    if table.stream_shard is not None:
        same.stream_shard = copy(table.stream_shard)
        same.stream_shard.table = same
        same.stream_shard.items = list(table.stream_shard.items)
    return same


def update_a_copy(backend, table_name, key, *arguments, **others):
    """Updates a copy of an item: the item itself may be part of a copied table."""
    table = backend.get_table(table_name)
    hash_key, range_key = backend.get_keys_value(table, key)
    items = table.items.get(hash_key, {})
    if range_key in items:
        items[range_key] = deepcopy(items[range_key])
    return update_in_place(backend, table_name, key, *arguments, **others)


Table.__deepcopy__ = copy_of_table
DynamoDBBackend.update_item = update_a_copy


def one_at_a_time(environ, start_response):
    # Read before its turn: a client that stops in the middle must not keep the others waiting.
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
    with turn:
        return moto(environ, start_response)


run_simple("127.0.0.1", 0, one_at_a_time, threaded=True)
