"""How people write the names of regions, reduced to keys that compare equal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple


class Spelling(NamedTuple):
    """`level` is 1 to 4 where a word such as "Kel." says so; `kind` tells Kota Bogor from Kabupaten Bogor.

    `whole` counts that word as part of the name: there is a kelurahan Kota Bambu Utara.
    """

    key: str
    whole: str
    level: int | None = None
    kind: str | None = None


_LEVEL_WORDS: Final = re.compile(
    r"(?:(?P<l1>provinsi|propinsi|prov|prop)|(?P<kota>kotamadya|kodya|kota|walikota)|(?P<kabupaten>kabupaten|kab)"
    r"|(?P<l3>kecamatan|kec|distrik)|(?P<l4>kelurahan|kel|desa|ds|gampong|nagari))"
    r"(?: (?:administrasi|administratif|adm))? (?=.)"
)
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_APOSTROPHES = re.compile(r"['’`]")
_SHORT: Final = {
    "jkt": "jakarta",
    "kby": "kebayoran",
    "kb": "kebon",
    "kbn": "kebon",
    "kebun": "kebon",
    "pd": "pondok",
    "pdk": "pondok",
    "tj": "tanjung",
    "tg": "tanjung",
    "tjg": "tanjung",
    "kp": "kampung",
    "kmp": "kampung",
    "ps": "pasar",
    "psr": "pasar",
    "klp": "kelapa",
    "gn": "gunung",
    "prpt": "prapatan",
    "cemp": "cempaka",
    "kep": "kepulauan",
    "p": "pulau",
    "utr": "utara",
    "slt": "selatan",
    "sel": "selatan",
    "brt": "barat",
    "bar": "barat",
    "tmr": "timur",
    "tim": "timur",
    "pst": "pusat",
    "bendhil": "bendungan hilir",
}
#: Names in use that are not built from the official one.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "31": ("dki", "dkijakarta", "dkj", "jakarta", "daerahkhususjakarta"),
    "31.01": ("pulauseribu",),
    "31.71": ("jakpus",),
    "31.72": ("jakut",),
    "31.73": ("jakbar",),
    "31.74": ("jaksel",),
    "31.75": ("jaktim",),
    "32": ("jabar",),
    "33": ("jateng",),
    "34": ("diy", "yogyakarta", "jogja"),
    "35": ("jatim",),
    "36.74": ("tangsel",),
}


@lru_cache(maxsize=16384)
def spelling(text: str) -> Spelling:
    """ "Kel. Setia Budi" → key "setiabudi", level 4. Word breaks do not count: Kramat Jati is Kramatjati."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = _NOT_NAME.sub(" ", _APOSTROPHES.sub("", plain)).strip()
    marked = _LEVEL_WORDS.match(words)
    whole = _key(words)
    if not marked or not marked.lastgroup:
        return Spelling(whole, whole)
    key, group = _key(words[marked.end() :]), marked.lastgroup
    if group in ("kota", "kabupaten"):
        return Spelling(key, whole, 2, group)
    return Spelling(key, whole, int(group[1]))


def _key(words: str) -> str:
    return "".join(_SHORT.get(word, word) for word in words.split()).replace(" ", "")
