"""Full-width and other forms of ASCII characters, folded one to one, so that places in the text stay the same."""

from __future__ import annotations

import re

# First digits of other alphabets' decimal digits: Arabic, Persian, Devanagari, Bengali, Thai, mathematical ones.
_ZEROS = (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_SPACES = "\u00a0\u1680\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# Without width: they would hide a number from the eye that looks for it, not from the one that reads it.
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"

_TABLE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_TABLE |= {zero + value: 0x30 + value for zero in _ZEROS for value in range(10)}
_TABLE |= dict.fromkeys(map(ord, _DASHES), ord("-"))
_TABLE |= dict.fromkeys(map(ord, _SPACES + _INVISIBLE), ord(" "))
# Punctuation that no finder looks at, or that they know: most Chinese text has nothing else to fold.
for _code in map(ord, "！，；？："):
    del _TABLE[_code]
_FOLDABLE = re.compile("[" + "".join(re.escape(chr(code)) for code in sorted(_TABLE)) + "]")


def fold(text: str) -> str:
    """The text with plain digits, letters, spaces and dashes; of the same length."""
    if text.isascii() or not _FOLDABLE.search(text):
        return text
    return text.translate(_TABLE)
