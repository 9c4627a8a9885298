"""The shipped policies are what PROTOCOL section 2 says, row by row."""

import pytest

from dunning.policy import (
    DEFAULT_PRESET,
    PRESETS,
    SENTENCES,
    SKIP_REASONS,
    Channel,
    Condition,
    Reason,
    Reference,
    Tone,
    sentence,
)

E, C, L = Channel.EMAIL, Channel.CALL, Channel.LETTER
I, H, V = Channel.INTERNAL, Channel.HANDOVER, Channel.VISIT  # noqa: E741

ROWS = {
    "P1": [
        (22, (E,), Tone.FRIENDLY),
        (29, (C,), Tone.FRIENDLY),
        (45, (E,), Tone.FIRM),
        (60, (E, C, I), Tone.FIRM),
        (75, (E, I), Tone.DIRECT),
        (90, (E, I), Tone.URGENT),
        (120, (E, L), Tone.FINAL),
        (135, (I,), Tone.INTERNAL),
        (150, (H,), Tone.INTERNAL),
    ],
    "P2": [
        (-3, (E,), Tone.COURTESY),
        (3, (E,), Tone.FRIENDLY),
        (10, (C,), Tone.FRIENDLY),
        (17, (E,), Tone.FIRM),
        (30, (E, C, I), Tone.FIRM),
        (45, (E, I), Tone.DIRECT),
        (60, (E, I), Tone.URGENT),
        (90, (E, L), Tone.FINAL),
        (105, (I,), Tone.INTERNAL),
        (120, (H,), Tone.INTERNAL),
    ],
    "P3": [
        (-3, (E,), Tone.COURTESY),
        (3, (E,), Tone.FRIENDLY),
        (17, (E,), Tone.FRIENDLY),
    ],
    "P4": [
        (3, (C,), Tone.FRIENDLY),
        (10, (E,), Tone.FIRM),
        (24, (V,), Tone.FIRM),
        (45, (V,), Tone.DIRECT),
    ],
}


@pytest.mark.parametrize("name", list(ROWS))
def test_days_channels_and_tones_are_those_of_the_protocol(name: str) -> None:
    found = [
        (step.day, tuple(action.channel for action in step.actions), step.tone)
        for step in PRESETS[name].steps
    ]
    assert found == ROWS[name]


def test_the_due_date_ladder_is_the_default() -> None:
    assert PRESETS[DEFAULT_PRESET].name == "Due-date ladder"


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("P1", Reference.LATER_OF_ISSUE_AND_DUE_LESS_21),
        ("P2", Reference.DUE_DATE),
        ("P3", Reference.DUE_DATE),
        ("P4", Reference.DUE_DATE),
    ],
)
def test_each_counts_from_its_own_day(name: str, reference: Reference) -> None:
    assert PRESETS[name].reference is reference


def test_only_the_standard_protocol_brings_its_first_step_forward() -> None:
    early = {name for name, policy in PRESETS.items() if policy.settings.early_first_step}
    assert early == {"P1"}


def test_statements_go_monthly_in_the_first_two() -> None:
    monthly = {name for name, policy in PRESETS.items() if policy.settings.statements_monthly}
    assert monthly == {"P1", "P2"}


def test_the_gentle_policy_writes_six_times_more_every_two_weeks() -> None:
    again = PRESETS["P3"].steps[-1]
    assert (again.repeat_every, again.repeat_limit) == (14, 6)


@pytest.mark.parametrize("name", ["P1", "P2"])
def test_severe_steps_ask_for_approval_and_the_letter_is_certified(name: str) -> None:
    for step in PRESETS[name].steps:
        for action in step.actions:
            assert action.approval is (step.is_severe)
            assert action.certified is (action.channel is L)


@pytest.mark.parametrize("name", ["P1", "P2"])
def test_our_own_authority_hears_of_it_after_three_contacts(name: str) -> None:
    before_final = [
        action
        for step in PRESETS[name].steps
        if step.tone is not Tone.INTERNAL
        for action in step.actions
        if action.channel is I
    ]
    assert before_final
    assert all(Condition.THREE_CONTACTS_MADE in action.conditions for action in before_final)


@pytest.mark.parametrize("name", list(ROWS))
def test_step_keys_are_permanent_names_used_once(name: str) -> None:
    keys = [step.step_key for step in PRESETS[name].steps]
    assert len(keys) == len(set(keys))
    for step in PRESETS[name].steps:
        actions = [action.action_key for action in step.actions]
        assert len(actions) == len(set(actions))


@pytest.mark.parametrize("name", list(ROWS))
def test_tones_never_fall_along_a_ladder(name: str) -> None:
    ranks = [s.tone.rank for s in PRESETS[name].steps if s.tone is not Tone.INTERNAL]
    assert ranks == sorted(ranks)


def test_a_plan_is_offered_in_the_urgent_step_only() -> None:
    for policy in PRESETS.values():
        for step in policy.steps:
            offers = any(action.offers_plan for action in step.actions)
            assert offers is (step.tone is Tone.URGENT)


def test_every_reason_has_one_sentence_a_person_can_read() -> None:
    assert set(SENTENCES) == set(Reason)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    for reason in Reason:
        text = sentence(reason)
        assert text[0].isupper()
        assert text.endswith(".")
        assert "debt" not in text.lower()


def test_reasons_of_records_are_reasons() -> None:
    assert set(Reason) >= SKIP_REASONS
