"""Names of customers in sources that have no customer numbers."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import combinations

NEAR = 0.9
_LEGAL_FORM = re.compile(
    r"\b(?:the|and|inc|incorporated|llc|llp|ltd|limited|plc|co|corp|corporation|company|gmbh"
    r"|ag|kg|sarl|sa|sas|bv|nv|pty|srl|spa|oy|ab|as)\b"
)


def normalised(name: str) -> str:
    """The name without differences of case, width and spacing: one customer, one text."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:200]


def near_names(new: Iterable[str], old: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of different names, one of them new, that a person should look at."""
    blocks: defaultdict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for is_new, names in ((True, new), (False, old)):
        for name in names:
            core = _core(name)
            blocks[core[:2]].append((name, core, is_new))
    for block in blocks.values():
        for (name, core, is_new), (other, other_core, other_new) in combinations(block, 2):
            if (is_new or other_new) and _near(core, other_core):
                yield name, other


def _core(name: str) -> str:
    """Letters and digits without the legal form, words in order."""
    words = re.sub(r"[^\w ]|_", " ", normalised(name))
    return " ".join(sorted(_LEGAL_FORM.sub(" ", words).split())) or normalised(name)


def _near(core: str, other: str) -> bool:
    if core == other:
        return True
    matcher = SequenceMatcher(None, core, other, autojunk=False)
    return matcher.quick_ratio() >= NEAR and matcher.ratio() >= NEAR
