"""The ledger outlives the face; the process starts, is told, refuses and ends in an orderly way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import requests

from dispatcher.core.errors import UnavailableError, UsageError
from dispatcher.testing.carrier import Behaviour, CarrierOptions, CarrierProcess, Ledger
from dispatcher.testing.carrier.__main__ import options_from
from dispatcher.testing.synthetic import synthetic_e164
from tests.integration.carrier.ends import PATIENCE_S, SENDER, SOON, Account


def test_every_answered_create_is_in_the_ledger_after_sigkill(tmp_path: Path) -> None:
    with CarrierProcess(CarrierOptions(behaviour=SOON, ledger=tmp_path / "ledger.tsv")) as carrier:
        answered: list[str] = []
        clients = [threading.Thread(target=create_until_cut, args=(carrier, n, answered)) for n in range(4)]
        for client in clients:
            client.start()
        deadline_s = time.monotonic() + PATIENCE_S
        while len(answered) < 200 and time.monotonic() < deadline_s:
            time.sleep(0.005)
        carrier.kill()
        for client in clients:
            client.join()
        ledger = carrier.ledger
        assert set(answered) <= set(ledger.statuses())
        assert ledger.accepted() - len(answered) <= len(clients)
        port, before = carrier.port, ledger.accepted()
        carrier.start()
        assert carrier.port == port
        account = Account(carrier)
        with account.session:
            assert account.create(1).status_code == 201
        assert carrier.ledger.accepted() == before + 1


def create_until_cut(carrier: CarrierProcess, n: int, answered: list[str]) -> None:
    account = Account(carrier)
    with account.session:
        for i in range(100_000):
            try:
                answered.append(account.create(n * 100_000 + i).json()["sid"])
            except requests.ConnectionError:
                return


def test_a_carrier_that_remembers_lists_what_it_took_before_it_was_killed() -> None:
    with CarrierProcess(CarrierOptions(behaviour=SOON, remembers=True)) as carrier:
        account = Account(carrier)
        with account.session:
            before = [account.create(i, Body="Halo, 100% aman\t🙂").json()["sid"] for i in range(3)]
        carrier.kill()
        carrier.start()
        with account.session:
            after = account.create(3).json()["sid"]
            listed = account.get("/Messages.json").json()["messages"]
            assert [record["sid"] for record in listed] == [after, *reversed(before)]
            assert listed[1]["body"] == "Halo, 100% aman\t🙂"
            assert account.get(f"/Messages/{before[0]}.json").json()["to"] == synthetic_e164(0)


def test_the_ledger_counts_people_messages_and_attempts(account: Account, carrier: CarrierProcess) -> None:
    refs = [(1, "10.1"), (1, "10.2"), (2, "11.1"), (2, "12.1"), (3, "13.1")]
    for to, ref in refs:
        account.create(to, StatusCallback=f"http://127.0.0.1:9/h?x=1&m={ref}")
    account.create(4, Body="sama")
    account.create(4, Body="sama")
    account.create(4, Body="lain")
    ledger = carrier.ledger
    assert ledger.by_ref() == {ref: 1 for _, ref in refs}
    twice = ledger.accepted_twice()
    assert twice[(synthetic_e164(1), "10")] == 2
    assert [to for to, _ in twice] == [synthetic_e164(1), synthetic_e164(4)]
    assert len(ledger.accept_times(SENDER)) == 8
    summary = carrier.summary()
    assert (summary["accepted"], summary["distinct_recipients"]) == (8, 4)
    assert (summary["recipients_accepted_more_than_once"], summary["messages_accepted_more_than_once"]) == (3, 2)
    assert 1 <= summary["max_in_a_second"][SENDER] <= 8
    found = carrier.ask("GET", "/_ledger/messages?ref=11.1")["messages"]
    assert [(message["to"], message["ref"]) for message in found] == [(synthetic_e164(2), "11.1")]
    assert len(carrier.ask("GET", "/_ledger/messages?limit=2")["messages"]) == 2


def test_reset_empties_the_ledger_and_a_reader_notices(account: Account, carrier: CarrierProcess) -> None:
    account.create(1)
    ledger = carrier.ledger
    carrier.reset()
    ledger.refresh()
    assert (ledger.accepted(), carrier.summary()["accepted"]) == (0, 0)
    account.create(2)
    assert carrier.summary()["accepted"] == 1


def test_behaviour_is_shown_merged_and_refused(carrier: CarrierProcess) -> None:
    carrier.control(failure=0.25, replies={"STOP": None})
    shown = carrier.ask("GET", "/_control")
    assert (shown["failure"], shown["replies"]) == (0.25, {"HADIR": 6, "SETUJU": 3})
    with pytest.raises(UsageError, match="failure"):
        carrier.control(failure=2)
    assert carrier.ask("GET", "/_control") == shown
    assert carrier.ask("GET", "/healthz") == {"ok": True}
    for body in (b"{", b"[]"):
        assert requests.post(f"{carrier.url}/_control", data=body, timeout=30).status_code == 400


def test_a_carrier_that_cannot_write_its_ledger_stops_accepting() -> None:
    with CarrierProcess(CarrierOptions(behaviour=SOON)) as carrier:
        process = psutil.Process(carrier.pid)
        (ledger,) = process.children()
        ledger.send_signal(signal.SIGKILL)
        account = Account(carrier)
        with account.session, pytest.raises(requests.ConnectionError):
            for i in range(100):
                account.create(i)
        process.wait(PATIENCE_S)


def test_what_cannot_start_says_why(carrier: CarrierProcess, tmp_path: Path) -> None:
    for options, reason in (
        (CarrierOptions(port=carrier.port), f"port {carrier.port} cannot be used"),
        (CarrierOptions(ledger=tmp_path / "nowhere" / "ledger.tsv"), "cannot be written"),
    ):
        other = CarrierProcess(options)
        with pytest.raises(UnavailableError, match=reason):
            other.start()
        other.close()


def test_it_ends_with_whoever_started_it() -> None:
    command = [sys.executable, "-m", "dispatcher.testing.carrier", "--while-stdin-is-open"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["url"] == f"http://127.0.0.1:{ready['port']}"
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0


def test_sigterm_is_an_orderly_end() -> None:
    command = [sys.executable, "-m", "dispatcher.testing.carrier"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_options_come_from_a_file_and_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "behaviour.json"
    file.write_text('{"seed": 4, "failure": 0.1}', encoding="utf-8")
    options = options_from(["--behaviour", str(file), "--set", "failure=0.2", "--set", "latency_ms=[1, 2]", "--bare"])
    assert options.behaviour == Behaviour(seed=4, failure=0.2, latency_ms=(1, 2))
    assert options.bare
    assert options_from([]) == CarrierOptions()
    for wrong in (["--set", "failure"], ["--set", "failure=x"], ["--behaviour", str(tmp_path / "none")]):
        with pytest.raises(UsageError):
            options_from(wrong)


def test_a_ledger_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "none.tsv").accepted() == 0
