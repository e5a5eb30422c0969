"""What is usually built, to be measured beside ours: one Celery task a message, Twilio's SDK, a commit for each step.

Its settings are fixed here, so that it cannot be slowed to make ours look better: one worker of two prefork children as
`celery worker` starts it, one psycopg connection and one pooled SDK session for each child, nothing logged, no
results kept. Nothing of ours is in it: no lease, no rate, no consent, and a worker that dies between its two commits
sends again or loses the message.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from typing import Any

import psycopg
from celery import Celery
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from dispatcher.testing.carrier import CarrierProcess
from dispatcher.testing.synthetic import synthetic_e164
from tests.servers import Databases, PostgresServer, RedisServer

FROM = "+15005550006"
SLOWEST_PER_S = 5.0
TEXT = "Yth. Ibu Siti di Menteng, gunakan hak pilih Anda. Kesbangpol. Berhenti: kesbangpol.example/stop"
WORKER = (sys.executable, "-m", "celery", "-A", "benchmarks.naive", "worker", "-c", "2", "-l", "ERROR")

app = Celery("naive", broker=os.environ.get("NAIVE_BROKER_URL", "memory://"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4, broker_connection_retry_on_startup=True)


@cache
def _database() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["NAIVE_DATABASE_URL"])


@cache
def _client() -> Client:
    account, token, url = (os.environ[name] for name in ("NAIVE_ACCOUNT", "NAIVE_TOKEN", "NAIVE_URL"))
    client = Client(account, token, http_client=TwilioHttpClient(pool_connections=True))
    client.api.base_url = url
    return client


@app.task(name="benchmarks.naive.send")
def send(message_id: int) -> None:
    database = _database()
    row = database.execute("SELECT phone, body FROM outbox WHERE id = %s", (message_id,)).fetchone()
    assert row is not None
    database.execute("UPDATE outbox SET status = 'sending' WHERE id = %s", (message_id,))
    database.commit()
    created = _client().messages.create(to=row[0], from_=FROM, body=row[1])
    database.execute(
        "UPDATE outbox SET status = 'sent', sid = %s, sent = clock_timestamp() WHERE id = %s",
        (created.sid, message_id),
    )
    database.commit()


def measure(carrier: CarrierProcess, count: int) -> float:
    """Messages a second of the last three quarters, by the database's clock."""
    with (
        PostgresServer(durable=True) as server,
        RedisServer() as broker,
        Databases(server.url(), lambda _: None).fresh() as url,
    ):
        address = url.replace("+psycopg", "")
        environ = {
            **os.environ,
            "NAIVE_BROKER_URL": broker.url(),
            "NAIVE_DATABASE_URL": address,
            "NAIVE_ACCOUNT": carrier.account_sid,
            "NAIVE_TOKEN": carrier.auth_token,
            "NAIVE_URL": carrier.url,
        }
        with psycopg.connect(address) as database:
            _fill(database, count)
            app.conf.broker_url = broker.url()
            _enqueue(count)
            worker = subprocess.Popen(WORKER, env=environ, stdin=subprocess.DEVNULL)
            try:
                until = time.monotonic() + count / SLOWEST_PER_S
                while _sent(database) < count:
                    if worker.poll() is not None or time.monotonic() > until:
                        raise SystemExit("the naive worker did not send everything")
                    time.sleep(0.2)
            finally:
                worker.terminate()
                worker.wait(30)
            return _rate(database)


def _fill(database: psycopg.Connection[Any], count: int) -> None:
    database.execute(
        "CREATE TABLE outbox (id bigint PRIMARY KEY, phone text NOT NULL, body text NOT NULL,"
        " status text NOT NULL DEFAULT 'queued', sid text, sent timestamptz)"
    )
    with database.cursor() as cursor, cursor.copy("COPY outbox (id, phone, body) FROM STDIN") as copy:
        for index in range(count):
            copy.write_row((index, synthetic_e164(index), TEXT))
    database.commit()


def _enqueue(count: int) -> None:
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for index in range(count):
            send.apply_async((index,), producer=producer)


def _sent(database: psycopg.Connection[Any]) -> int:
    row = database.execute("SELECT count(*) FROM outbox WHERE status = 'sent'").fetchone()
    database.commit()
    return int(row[0]) if row else 0


def _rate(database: psycopg.Connection[Any]) -> float:
    statement = """
        WITH warm AS (SELECT sent FROM outbox ORDER BY sent OFFSET (SELECT count(*) / 4 FROM outbox))
        SELECT (count(*) - 1) / extract(epoch FROM max(sent) - min(sent)) FROM warm
    """
    row = database.execute(statement).fetchone()
    assert row is not None
    return float(row[0])
