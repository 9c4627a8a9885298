"""The texts we ship: every tone and channel, clean, complete and calm (PROTOCOL section 3)."""

import pytest

from dunning.wording import compose, lint, plain_text, preset, presets
from dunning.wording.notice import TONES, Purpose
from dunning.wording.texts import NoSuchText, Text
from tests.notices import courtesy, final_demand, for_purpose, notice

ALL = presets()
BY_NAME = {f"{text.purpose}.{text.channel}.{text.tone}": text for text in ALL}
CUSTOMER = [text for text in ALL if text.purpose not in (Purpose.INTERNAL, Purpose.TEST)]


def said(text: Text) -> str:
    shown = for_purpose(text.purpose, text.tone, text.channel)
    return plain_text(compose(text, shown), shown)


def email(tone: str, **more: object) -> str:
    shown = courtesy(**more) if tone == "courtesy" else notice(tone=tone, **more)
    return plain_text(compose(preset(Purpose.REMINDER, "email", tone), shown), shown)


@pytest.mark.parametrize("text", ALL, ids=BY_NAME)
def test_every_preset_passes_the_linter(text: Text) -> None:
    assert lint(text) == ()


@pytest.mark.parametrize("text", ALL, ids=BY_NAME)
def test_every_preset_renders_without_leaving_a_field_or_a_tag(text: Text) -> None:
    words = said(text)
    assert not any(mark in words for mark in ("{{", "}}", "{%", "\ue000"))
    assert "None" not in words
    assert "  ago" not in words


@pytest.mark.parametrize("tone", TONES[:-1])
@pytest.mark.parametrize("channel", ["email", "letter", "call"])
def test_every_tone_below_final_has_a_text_for_each_channel(channel: str, tone: str) -> None:
    assert preset(Purpose.REMINDER, channel, tone).channel == channel


@pytest.mark.parametrize("channel", ["email", "letter"])
def test_the_final_demand_has_its_own_text(channel: str) -> None:
    assert "final" in preset(Purpose.FINAL_DEMAND, channel, "final").subject.lower()


def test_a_text_that_nobody_wrote_is_an_error_and_no_blank_message() -> None:
    with pytest.raises(NoSuchText):
        preset(Purpose.CROSSED, "visit", "firm")


def test_l29_a_language_without_texts_falls_back_to_english_and_says_so() -> None:
    assert preset(Purpose.REMINDER, "email", "firm", "fi").language == "en"


def test_a_language_never_reaches_outside_the_folder_of_texts() -> None:
    assert preset(Purpose.REMINDER, "email", "firm", "../../etc").language == "en"


@pytest.mark.parametrize("text", CUSTOMER, ids=lambda text: f"{text.purpose}.{text.channel}")
def test_every_notice_says_which_payments_it_includes(text: Text) -> None:
    flat = " ".join(said(text).split())
    if text.channel in ("call", "visit"):
        assert "Payments received by 19 November 2026 are counted" in flat
    else:
        assert "includes payments received by 19 November 2026" in flat
        assert "If you have just paid, thank you" in flat


@pytest.mark.parametrize("tone", ["courtesy", "friendly"])
def test_friendly_messages_carry_the_due_date_and_no_deadline(tone: str) -> None:
    assert "1 December 2026" not in email(tone)
    assert "2026" in email(tone)


def test_a_courtesy_never_calls_anything_late() -> None:
    words = email("courtesy").lower()
    assert "overdue" not in words
    assert "late" not in words
    assert "310.00" in words


def test_firm_says_our_records_show_and_past_due() -> None:
    words = " ".join(email("firm").split())
    assert "Our records show" in words
    assert "past due" in words
    assert "by 1 December 2026" in words


def test_urgent_asks_for_prompt_attention_and_a_call() -> None:
    words = " ".join(email("urgent").split())
    assert "prompt attention" in words
    assert "seriously past due" in words
    assert "please call me" in words


def test_a_plan_is_offered_only_where_one_may_be() -> None:
    assert "payment plan" not in email("urgent")
    assert "payment plan" in " ".join(email("urgent", offers_plan=True).split())


@pytest.mark.parametrize("tone", ["courtesy", "friendly", "firm"])
def test_thanks_for_the_business_are_left_out_after_a_complaint(tone: str) -> None:
    assert "Thank you for your business" in email(tone)
    assert "for your business" not in email(tone, complained=True)


def test_the_final_demand_lists_the_contacts_that_reached_them_with_dates() -> None:
    words = said(BY_NAME["final_demand.letter.final"])
    for day in ("6 October 2026", "13 October 2026", "28 October 2026"):
        assert day in words
    assert "immediate attention" in " ".join(words.split())
    assert "by 1 December 2026" in " ".join(words.split())


def test_the_final_mail_announces_a_letter_only_where_there_is_one() -> None:
    text = BY_NAME["final_demand.email.final"]
    for also in (True, False):
        shown = final_demand(channel="email", also_by_post=also)
        assert ("by post" in plain_text(compose(text, shown), shown)) is also


def test_the_final_demand_states_only_consequences_that_it_was_given() -> None:
    text = BY_NAME["final_demand.letter.final"]
    with_one = final_demand()
    without = final_demand(consequences=())
    assert "Aldgate Recoveries" in plain_text(compose(text, with_one), with_one)
    assert "will follow" not in plain_text(compose(text, without), without)


@pytest.mark.parametrize("tone", [tone for tone in TONES if tone != "courtesy"])
def test_a_call_confirms_receipt_before_it_speaks_of_the_amount(tone: str) -> None:
    """R30, R33: the status comes only once they have seen the invoice."""
    shown = notice(tone=tone, channel="call")
    words = plain_text(compose(preset(Purpose.REMINDER, "call", tone), shown), shown)
    spoken = words.index("whether you have received")
    assert spoken < words.index("Only once they have seen them") < words.index("USD 1,200.00")


@pytest.mark.parametrize("tone", TONES)
def test_a_call_script_covers_wrong_person_and_resend(tone: str) -> None:
    """R31, R32, R42."""
    words = preset(Purpose.REMINDER, "call", tone).body
    assert "Wrong person or department" in words
    assert "resend" in words
    assert "{{ prior_contacts }}" in words


def test_a_part_kept_promise_is_thanked_for_and_reads_as_agreed() -> None:
    words = " ".join(said(BY_NAME["promise_part_kept.email.courtesy"]).split())
    assert "Thank you for the USD 5,000.00; the remaining USD 5,000.00 was noted" in words
    assert "for 20 March 2027" in words


@pytest.mark.parametrize("tone", ["internal", "urgent", "final"])
def test_colleagues_are_not_thanked_for_payments(tone: str) -> None:
    words = said(preset(Purpose.INTERNAL, "internal", tone))
    assert "thank you" not in words.lower()
    assert "19 November 2026" in words


def test_internal_notices_offer_to_take_over_and_to_stop_supply() -> None:
    words = preset(Purpose.INTERNAL, "internal", "internal").body
    assert "I'll take it" in words
    assert "supply" in words


def test_texts_with_legal_effect_say_that_they_are_no_legal_advice() -> None:
    """R83."""
    assert "not legal advice" in BY_NAME["internal.handover.internal"].body
    assert "not legal advice" in BY_NAME["internal.internal.final"].body
