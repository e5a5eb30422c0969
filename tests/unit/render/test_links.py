from __future__ import annotations

import time

import pytest

from dispatcher.render.links import find_urls, host_of


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("Lihat https://a.id/x, atau (bit.ly/y). Juga jakarta.go.id!", ["https://a.id/x", "bit.ly/y", "jakarta.go.id"]),
        ("www.partai.example dan s.id/abc", ["www.partai.example", "s.id/abc"]),
        ("wa.me/62812 t.me/grup WA.ME/1", ["wa.me/62812", "t.me/grup", "WA.ME/1"]),
        ("kpu.co.id menang.com dispatcher://x", ["kpu.co.id", "menang.com", "dispatcher://x"]),
        ("Drs. H.Ahmad, M.Si/Ketua RT.001/RW.002, A.Md, S.Ag. Pukul 09.00 Rp 1.000", []),
        ("ani@contoh.com", []),
    ],
)
def test_find_urls(text: str, urls: list[str]) -> None:
    assert find_urls(text) == urls


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.A.id:80/x", "a.id"),
        ("bit.ly/x", "bit.ly"),
        ("http://user@evil.com/a.id", "evil.com"),
        ("http://[x", ""),
        ("", ""),
    ],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("piece", ["a-", "a.", "a", "-a.b", "www", "a:", "a_-"])
def test_searching_stays_linear(piece: str) -> None:
    started = time.process_time()
    find_urls(piece * 10_000)
    assert time.process_time() - started < 1.5
