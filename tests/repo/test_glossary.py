"""Every reason that the program can give is explained, in the words it uses itself."""

import re
from pathlib import Path

from django.conf import settings

from dunning.models import AttemptState
from dunning.policy.reasons import SENTENCES, Reason

TEXT = (Path(settings.BASE_DIR) / "docs" / "glossary.md").read_text()


def explained() -> dict[str, str]:
    return dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", TEXT, re.MULTILINE))


def test_every_reason_is_in_the_glossary_with_its_sentence() -> None:
    assert explained() == {reason.value: SENTENCES[reason] for reason in Reason}


def test_every_state_of_an_attempt_is_in_the_glossary() -> None:
    part = TEXT.partition("## States of a contact attempt")[2].partition("## Reasons")[0]
    assert set(re.findall(r"^\| ([a-z]+) \|", part, re.MULTILINE)) == set(AttemptState.values)


def test_no_word_is_explained_twice() -> None:
    words = re.findall(r"^\| ([a-z][a-z -]+) \|", TEXT.partition("## States")[0], re.MULTILINE)
    assert sorted(words) == sorted(set(words))
