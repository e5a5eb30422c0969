"""What a phone turns into a link: an address with a scheme, with `www.`, or a bare domain."""

from __future__ import annotations

import re
from typing import Final

#: Endings under which a bare word with a dot is a link. Academic titles (M.Si, A.Md, S.Ag) and `S.H.` look alike, so a
#: bare domain also needs a name of three letters, or to be one of the short hosts.
_ENDINGS = (
    r"(?:ac|co|desa|go|my|or|sch|web)\.id|com|net|org|id|info|me|xyz|link|site|online|shop|store|app|dev|io|co|ly|gl|gd|cc|"
    r"to|tv|us|uk|eu|de|sg|my|cn|ru|in|ai|ws|la|be|su|tk|ml|ga|cf|gq|pw|top|club|click|live|biz|web|page|gov|edu|mil|asia|"
    r"vip|fun|icu|win|bet"
)
_SHORT_HOSTS = r"(?:s|t|wa|m|fb|g|x|go|is|v)\.(?:id|me|co|gd|gg|to|com|ly|gl|page)"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"  # bounded lengths keep the search linear

URL: Final = re.compile(
    rf"""(?ix)
      (?<!\w)[a-z][a-z0-9+.-]{{1,30}}://[^\s<>]+
    | \bwww\.[^\s<>]+
    | (?<![\w@.-])(?:{_LABEL}\.){{0,8}}[^\W_][\w-]{{1,61}}[^\W_]\.(?:{_ENDINGS})(?:\.[a-z]{{2}})?\b(?:[/?\#:][^\s<>]*)?
    | (?<![\w@.-]){_SHORT_HOSTS}\b(?:[/?\#][^\s<>]*)?
    """
)
