"""The carrier's own account of what it took: a file of lines, written by a process of its own.

A face hands each line to that process through a pipe *before* it answers, in one write that the kernel keeps whole.
So a face that is killed at any instant has left every line behind: the ledger process reads the pipe to its end,
writes, and stops. Tests read the file with `Ledger`.

    begun     time_ns                                      first of all: by it a reader knows a ledger that was reset
    accepted  time_us  sid  from  to  ref  body hash  [request]  `ref`: the query parameter `m` of the callback URL
    rejected  time_us  code from  to  ref
    dropped   time_us  ref                                the connection was reset, and nothing was taken
    status    time_us  sid  status  error code
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_PIPE_BYTES: Final = 1024 * 1024
_CHUNK: Final = 256 * 1024
_SYNC = b"\0sync\n"
_RESET = b"\0reset\n"
_PAUSE_S: Final = 0.002  # lines gather in the pipe meanwhile, and a face need not wake this process for each
_SECOND_US: Final = 1_000_000


class LedgerWriter:
    """The face's end of the pipe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        held = os.dup(1)  # our standard output ends only with the ledger: who reads it knows that all is written
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", __file__, str(path)],  # by path: it starts without importing the rest
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(held,),
        )
        os.close(held)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe = self._process.stdin.fileno()
        self._answers = self._process.stdout
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.sync()

    @property
    def pid(self) -> int:
        return self._process.pid

    def accepted(
        self, time_us: int, sid: str, sender: str, to: str, ref: str, body_hash: str, request: str = ""
    ) -> None:
        """OSError when the ledger process is gone: then nothing may be answered any more."""
        line = f"accepted\t{time_us}\t{sid}\t{sender}\t{to}\t{ref}\t{body_hash}"
        os.write(self._pipe, f"{line}\t{request}\n".encode() if request else f"{line}\n".encode())

    def rejected(self, time_us: int, code: int, sender: str, to: str, ref: str) -> None:
        os.write(self._pipe, f"rejected\t{time_us}\t{code}\t{_plain(sender)}\t{_plain(to)}\t{ref}\n".encode())

    def dropped(self, time_us: int, ref: str) -> None:
        os.write(self._pipe, f"dropped\t{time_us}\t{ref}\n".encode())

    def status(self, time_us: int, sid: str, status: str, error: str) -> None:
        os.write(self._pipe, f"status\t{time_us}\t{sid}\t{status}\t{error}\n".encode())

    def sync(self) -> None:
        """Return when every line so far is in the file."""
        self._ask(_SYNC)

    def reset(self) -> None:
        self._ask(_RESET)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._answers.close()
        self._process.wait()

    def _ask(self, command: bytes) -> None:
        os.write(self._pipe, command)
        if not self._answers.readline():
            raise BrokenPipeError("the ledger process has ended")


def _plain(value: str) -> str:
    return "".join(character for character in value[:64] if character.isprintable())


class Ledger:
    """Reads a ledger file; `refresh` takes in what was written since.

    A message is known by the part of its ref before the first dot (the attempt follows it), by its body where it has
    no ref.
    """

    _begun: bytes
    _offset: int

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()
        self.refresh()

    def refresh(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            if (begun := file.readline()) != self._begun:
                self._forget()
                self._begun = begun
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._read(line.decode().rstrip("\n").split("\t"))

    def accepted(self) -> int:
        return len(self._accepted)

    def recipients(self) -> Counter[str]:
        """How often each recipient's number was accepted."""
        return Counter(to for _, _, to, _, _ in self._accepted.values())

    def by_ref(self) -> Counter[str]:
        return Counter(ref for _, _, _, ref, _ in self._accepted.values() if ref)

    def accepted_twice(self) -> dict[tuple[str, str], int]:
        """(recipient, message) → how often, for all that were accepted more than once: the duplicates."""
        counts = Counter((to, ref.partition(".")[0] or body) for _, _, to, ref, body in self._accepted.values())
        return {key: n for key, n in counts.items() if n > 1}

    def accept_times(self, sender: str) -> list[int]:
        """When messages of one From (or service) were accepted, in microseconds since 1970, ascending."""
        return sorted(time_us for time_us, origin, _, _, _ in self._accepted.values() if origin == sender)

    def turned_away(self) -> set[str]:
        """References of requests that were refused, or dropped without an answer."""
        return self._turned_away

    def requests(self) -> Iterator[tuple[str, int, str, str, str]]:
        """(sid, when in µs, from, to, request) in the order they were accepted, where requests are kept."""
        for sid, request in self._requests.items():
            time_us, sender, to, _, _ = self._accepted[sid]
            yield sid, time_us, sender, to, request

    def statuses(self) -> dict[str, str]:
        """sid → where the message stands by the carrier's own account."""
        return {sid: self._status.get(sid, "queued") for sid in self._accepted}

    def messages(self, *, to: str = "", ref: str = "") -> Iterator[dict[str, str | int]]:
        for sid, (time_us, sender, recipient, its_ref, body) in self._accepted.items():
            if to in {"", recipient} and ref in {"", its_ref}:
                yield {
                    "sid": sid, "time_us": time_us, "from": sender, "to": recipient, "ref": its_ref,
                    "body_hash": body, "status": self._status.get(sid, "queued"),
                }  # fmt: skip

    def summary(self) -> dict[str, object]:
        recipients = self.recipients()
        senders = {origin for _, origin, _, _, _ in self._accepted.values()}
        return {
            "accepted": len(self._accepted),
            "distinct_recipients": len(recipients),
            "recipients_accepted_more_than_once": sum(n > 1 for n in recipients.values()),
            "messages_accepted_more_than_once": len(self.accepted_twice()),
            "rejected": dict(self._rejected),
            "statuses": dict(Counter(self.statuses().values())),
            "max_in_a_second": {sender: max_in_a_second(self.accept_times(sender)) for sender in sorted(senders)},
        }

    def _forget(self) -> None:
        self._begun = b""
        self._offset = 0
        self._accepted: dict[str, tuple[int, str, str, str, str]] = {}
        self._status: dict[str, str] = {}
        self._requests: dict[str, str] = {}
        self._rejected: defaultdict[str, int] = defaultdict(int)
        self._turned_away: set[str] = set()

    def _read(self, line: list[str]) -> None:
        match line:
            case ["accepted", time_us, sid, sender, to, ref, body, *request]:
                self._accepted[sid] = (int(time_us), sender, to, ref, body)
                if request:
                    self._requests[sid] = request[0]
            case ["rejected", _, code, _, _, ref]:
                self._rejected[code] += 1
                self._turned_away.add(ref)
            case ["dropped", _, ref]:
                self._turned_away.add(ref)
            case ["status", _, sid, status, _]:
                self._status[sid] = status


def max_in_a_second(times_us: list[int]) -> int:
    """The most events in any sliding second (half-open); `times_us` ascend."""
    window: deque[int] = deque()
    most = 0
    for time_us in times_us:
        window.append(time_us)
        while window[0] <= time_us - _SECOND_US:
            window.popleft()
        most = max(most, len(window))
    return most


def keep(path: Path, lines: BinaryIO, answers: BinaryIO) -> None:
    """The ledger process: append whole lines from a pipe to the file until the pipe ends."""
    with path.open("ab", buffering=0) as file:
        if file.tell() == 0:
            _begin(file)
        rest = b""
        while chunk := os.read(lines.fileno(), _CHUNK):
            time.sleep(_PAUSE_S)
            whole, _, rest = (rest + chunk).rpartition(b"\n")
            _append(file, whole + b"\n" if whole else b"", answers)


def _append(file: BinaryIO, lines: bytes, answers: BinaryIO) -> None:
    if not lines.endswith((_SYNC, _RESET)):  # a face waits for the answer, so a command is always the last line
        _write(file, lines)
        return
    _write(file, lines.removesuffix(_SYNC).removesuffix(_RESET))
    if lines.endswith(_RESET):
        file.truncate(0)
        _begin(file)
    with contextlib.suppress(BrokenPipeError):
        answers.write(b"done\n")
        answers.flush()


def _begin(file: BinaryIO) -> None:
    _write(file, b"begun\t%d\n" % time.time_ns())


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        keep(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
    except OSError as error:
        sys.exit(f"the ledger {sys.argv[1]} cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
