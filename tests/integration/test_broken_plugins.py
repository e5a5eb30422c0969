"""Plug-ins that do not work are told of, and stop nothing else: installed for real, in a folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GOOD = """
from dispatcher.spi import Accepted, Capabilities, Channel, ChannelConfig

class Good(Channel):
    name = "good"
    Config = ChannelConfig
    capabilities = Capabilities(media="sms")
    async def send(self, message):
        return Accepted(final=True)
"""
BREAKS = GOOD + "    def __init__(self, config, http):\n        raise KeyError('a secret')\n"
ODD_CONFIG = GOOD.replace("Config = ChannelConfig", "Config = dict")
PLUGINS = {
    "breaks": (BREAKS, "Good", ""),
    "odd-config": (ODD_CONFIG, "Good", ""),
    "good": (GOOD, "Good", ""),
    "no-module": (None, "X", "ModuleNotFoundError at import"),
    "raises": ("raise RuntimeError('a secret')", "X", "RuntimeError at import"),
    "exits": ("raise SystemExit(3)", "X", "SystemExit at import"),
    "no-attribute": ("", "X", "AttributeError at import"),
    "half-written": ("class X(:", "X", "SyntaxError at import"),
    "no-channel": ("X = 1", "X", "it is not a Channel class"),
    "newer": (GOOD + "    api_version = 99\n", "Good", "it is written for channel API 99; this version has 1"),
    "oddly-old": (GOOD + "    api_version = '1'\n", "Good", "it is written for channel API '1'; this version has 1"),
    "other-name": (GOOD, "Good", "its class calls itself 'good'"),
    "no-capabilities": (GOOD.replace("capabilities", "abilities"), "Good", "its class declares no capabilities"),
    "no-send": (GOOD.replace("send(", "post("), "Good", "its class has no send"),
    "console": (GOOD, "Good", "another package already offers this name"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    for name, (source, attribute, _) in PLUGINS.items():
        module = f"plugin_{name.replace('-', '_')}"
        if source is not None:
            own = source.replace('name = "good"', f'name = "{name}"') if name != "other-name" else source
            (folder / f"{module}.py").write_text(own)
        info = folder / f"a_{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: a-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[dispatcher.channels]\n{name} = {module}:{attribute}\n")
    return folder


def run(folder: Path, place: Path, *words: str) -> tuple[int, Any, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from dispatcher.cli.start import main; main()", *words, "--json"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_list_tells_what_is_wrong_with_each(folder: Path, tmp_path: Path) -> None:
    code, found, talk = run(folder, tmp_path, "channel", "list")
    assert code == 0
    assert "a secret" not in talk
    theirs = {channel["name"]: channel.get("error", "") for channel in found if channel["origin"].startswith("a-")}
    assert theirs == {name: error for name, (_, _, error) in PLUGINS.items()}
    ours = {channel["name"]: channel for channel in found if channel["origin"] == "dispatcher"}
    assert {"console", "filedrop", "http-gateway", "simulator"} <= set(ours)
    assert all("error" not in channel for channel in ours.values())
    assert ours["console"]["senders"]


def test_doctor_tells_of_them_and_how_to_mend_it(folder: Path, tmp_path: Path) -> None:
    code, found, _ = run(folder, tmp_path, "doctor")
    assert code != 0
    told = {line["detail"]: line["fix"] for line in found if line["check"] == "channels" and not line["ok"]}
    assert told == {
        f"{name} does not load: {error}": f"Repair or remove the package a-{name}."
        for name, (_, _, error) in PLUGINS.items()
        if error
    }


def test_a_sender_on_a_broken_one_leaves_the_others_working(folder: Path, tmp_path: Path) -> None:
    senders = "senders:\n  a: {channel: raises}\n  b: {channel: good}\n  c: {channel: console}\n"
    (tmp_path / "dispatcher.yaml").write_text(senders)
    code, found, _ = run(folder, tmp_path, "channel", "check")
    assert code == 7
    assert {line["sender"]: line["ok"] for line in found if line["check"] == "settings"} == {
        "a": False,
        "b": True,
        "c": True,
    }
    code, told, _ = run(
        folder, tmp_path, "channel", "send-test", "b", "--to", "+6281234567890", "--text", "Halo", "--by", "Ani"
    )
    assert (code, told["outcome"]) == (0, "accepted")
    code, told, _ = run(
        folder, tmp_path, "channel", "send-test", "a", "--to", "+6281234567890", "--text", "Halo", "--by", "Ani"
    )
    assert (code, told["error"]["code"]) == (2, "broken-channel")
    _, found, _ = run(folder, tmp_path, "doctor")
    assert [line["ok"] for line in found if line["check"] == "senders"] == [False, True, True]


def test_nor_does_one_that_loads_and_does_not_open(folder: Path, tmp_path: Path) -> None:
    senders = "senders:\n  a: {channel: breaks}\n  b: {channel: odd-config}\n  c: {channel: console}\n"
    (tmp_path / "dispatcher.yaml").write_text(senders)
    code, found, talk = run(folder, tmp_path, "channel", "list")
    problems = {sender["name"]: sender["problem"] for channel in found for sender in channel["senders"]}
    assert (code, "a secret" in talk) == (0, False)
    assert problems == {
        "a": "sender a: its channel does not open (KeyError)",
        "b": "sender b: its channel does not open (AttributeError)",
        "c": "",
    }
    _, found, _ = run(folder, tmp_path, "doctor")
    assert [line["ok"] for line in found if line["check"] == "senders"] == [False, False, True]
