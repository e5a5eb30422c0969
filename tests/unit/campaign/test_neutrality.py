"""Neutrality of civil servants, on natural texts: those that break it and those that only look like it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dispatcher.campaign.rules.neutrality import breaches

CORPUS = Path(__file__).parent / "corpus"


def lines(name: str) -> list[str]:
    return (CORPUS / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", lines("flag.txt"))
def test_flagged(line: str) -> None:
    assert breaches(line)


@pytest.mark.parametrize("line", lines("pass.txt"))
def test_passed(line: str) -> None:
    assert breaches(line) == []


def test_the_corpus_is_large_enough() -> None:
    assert min(len(set(lines("flag.txt"))), len(set(lines("pass.txt")))) >= 60


@pytest.mark.parametrize(
    "text",
    [
        "Co\u200bblos nomor\u00a02 besok",  # invisible characters and odd spaces
        "Ｃｏｂｌｏｓ ｎｏｍｏｒ ２",  # full-width letters
        "coblos\nnomor\n2",
        "P.D.I.P. mengundang",
        "COBLOS NOMOR 2",
    ],
)
def test_disguises(text: str) -> None:
    assert breaches(text)


@pytest.mark.parametrize(
    "part", ["pilih ", "dapat uang ada ", "a-", "a.", "dukung a a ", "partai", "pasangan calon ", "#a", "a", "{{"]
)
def test_a_hostile_text_is_searched_quickly(part: str) -> None:
    started = time.perf_counter()
    breaches(part * 200_000)
    assert time.perf_counter() - started < 2
