"""Areas as campaigns write them: a Kemendagri code at any level, then RW and RT below a kelurahan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_AREA = re.compile(
    r"(?P<code>[0-9]{2}(?:\.[0-9]{2}){0,2}|[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4})"
    r"(?:/(?P<rw>[0-9]{1,4})(?:/(?P<rt>[0-9]{1,4}))?)?"
)


@dataclass(frozen=True, slots=True)
class Area:
    """`31.74` (a city), `31.74.05.1003` (a kelurahan), `31.74.05.1003/7/3` (its RW 7, RT 3)."""

    code: str
    rw: int | None = None
    rt: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with a sentence for the writer."""
        match = _AREA.fullmatch(text.strip())
        if match is None or (match["rw"] and match["code"].count(".") < 3):
            raise ValueError(f'"{text}" is no area: write 31.74, 31.74.05.1003, or 31.74.05.1003/7/3 for RW 7, RT 3')
        return cls(match["code"], *(int(part) if part else None for part in (match["rw"], match["rt"])))

    def holds(self, region: str, rw: int | None, rt: int | None) -> bool:
        """Whether someone who lives at this place lives in the area."""
        if self.rw is not None:
            return region == self.code and rw == self.rw and self.rt in (None, rt)
        return region == self.code or region.startswith(self.code + ".")
