"""How Chinese words sound, in Latin letters: what somebody types who has no Chinese keyboard at hand, or whose input method is off.

Pure. Of a character its two commonest readings count (长: chang, zhang), rather than a dictionary's guess at the phrase: a search that finds by either
misses nobody, and a dictionary of phrases takes 45 MB of every process and half a second of every start.
"""

import os
import re
from functools import lru_cache

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # read by the library when it is imported

from pypinyin import Style, pinyin  # after the line above

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, for a regular expression's brackets."""
_RUNS = re.compile(rf"[{HAN}]+")
_MOST_READINGS = 2


@lru_cache(maxsize=8192)
def readings(character: str) -> tuple[str, ...]:
    """Of one Chinese character, without tones, the commonest first; `v` and `u` both stand for ü. None if it is not known."""
    known = next(iter(pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")), [])
    common = [sound for sound in dict.fromkeys(known) if sound.isascii()][:_MOST_READINGS]
    return tuple(dict.fromkeys(spelling for sound in common for spelling in (sound, sound.replace("v", "u"))))


def spellings(text: str, *, from_each: bool = True) -> tuple[str, ...]:
    """What every Chinese run of `text` may be typed as: spelt out, and by its initials, from each of its characters on (or from the first alone).

    白水 → baishui, shui, bs. To be found by words that begin so: `gong` and `gongm` find gongmi. A single initial is left out.
    """
    found: dict[str, None] = {}
    for run in _RUNS.findall(text):
        sounds = [readings(character) for character in run]
        for start in range(len(run) if from_each else 1):
            found.update(dict.fromkeys(_spelt(sounds[start:])))
    return tuple(found)


def _spelt(sounds: list[tuple[str, ...]]) -> list[str]:
    """Spelt out, then by initials; up to a character whose sound is not known."""
    known: list[tuple[str, ...]] = []
    for sound in sounds:
        if not sound:
            break
        known.append(sound)
    if not known:
        return []
    whole = _ways(known)
    initials = _ways([tuple(dict.fromkeys(spelling[0] for spelling in sound)) for sound in known])
    return [*whole, *(initials if len(known) > 1 else [])]


def _ways(sounds: list[tuple[str, ...]]) -> list[str]:
    """With the commonest readings, then with another reading of one character at a time: few, and each is met in what people type."""
    common = [sound[0] for sound in sounds]
    others = ["".join((*common[:at], other, *common[at + 1 :])) for at, sound in enumerate(sounds) for other in sound[1:]]
    return ["".join(common), *others]


def heard_in(text: str, typed: str) -> tuple[int, int] | None:
    """Where in `text` characters stand that `typed` spells out or names by initials: (from, to). None if nowhere."""
    for run in _RUNS.finditer(text):
        for start in range(run.start(), run.end()):
            for end in range(start + 1, run.end() + 1):
                part = text[start:end]
                if any(spelling.startswith(typed) for spelling in spellings(part, from_each=False)):
                    return start, end
    return None


def in_letters(text: str) -> str:
    """`text` spelt in small Latin letters and digits, what is neither left out: `昆山市 2 组` → `kunshanshi2zu`. For addresses."""
    sounds = (next(iter(readings(sign)), "") if _RUNS.match(sign) else sign.lower() for sign in text)
    return "".join(sign for sound in sounds for sign in sound if sign.isascii() and sign.isalnum())
