"""docs/desk.md says of every outcome what the product says and does."""

from pathlib import Path

import pytest
from django.conf import settings

from arfollow.staff.models import Role
from dunning.outcomes import ROWS, Row
from dunning.outcomes.days import (
    DISPUTE_TARGET,
    DOCUMENT_HOLD,
    MESSAGE_RETRY,
    PLAN_ANSWER,
    PROMISE_LIMIT_DAYS,
    RESENT_PAUSE,
)

TEXT = (Path(settings.BASE_DIR) / "docs" / "desk.md").read_text(encoding="utf-8")
NUMBERS = {2: "second", 3: "three", 5: "five", 10: "tenth"}
WORDS = {
    "retry": "the next working day at another hour",
    "message_retry": f"the {NUMBERS[MESSAGE_RETRY]} working day after",
    "grace": "2",
    "promise_latest": f"{PROMISE_LIMIT_DAYS} days ahead",
    "says_paid": "five working days later",
    "resent": f"{NUMBERS[RESENT_PAUSE]} working days later",
    "document": f"{NUMBERS[DOCUMENT_HOLD]} working days later",
    "dispute_target": f"the {NUMBERS[DISPUTE_TARGET]} working day after",
    "plan": f"{NUMBERS[PLAN_ANSWER]} working days later",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.outcome))
def test_every_outcome_stands_in_the_table_with_what_it_does(row: Row) -> None:
    said = row.says.format(**WORDS)
    assert f"| {row.outcome.label} | {row.level.label} | {said} |" in TEXT


def test_every_role_is_explained() -> None:
    for role in Role:
        assert f"| {role.label} |" in TEXT
