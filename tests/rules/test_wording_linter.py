"""The linter: what it finds, where, and what it lets pass (PROTOCOL section 3)."""

from dataclasses import replace

import pytest

from dunning.wording import lint, preset
from dunning.wording.notice import TONES, Purpose
from dunning.wording.texts import Text

FIRM = preset(Purpose.REMINDER, "email", "firm")


def email(tone: str) -> Text:
    purpose = Purpose.FINAL_DEMAND if tone == "final" else Purpose.REMINDER
    return preset(purpose, "email", tone)


def with_words(words: str, tone: str = "firm") -> Text:
    text = email(tone)
    return replace(text, body=f"{text.body}\n\n{words}")


def codes(text: Text) -> set[str]:
    return {problem.code for problem in lint(text)}


def without(text: Text, field: str) -> Text:
    return replace(text, body=text.body.replace(f"{{{{ {field} }}}}", ""))


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize(
    "word",
    ["debt", "Debts", "debtor", "delinquent", "ignored", "failed to", "despite", "no response"],
)
def test_accusing_words_are_banned_in_every_tone(word: str, tone: str) -> None:
    found = lint(with_words(f"This {word} matter.", tone))
    assert [problem.code for problem in found] == ["banned_word"]
    assert found[0].where == "body"
    assert word.lower() in found[0].message


@pytest.mark.parametrize("tone", TONES[:-1])
@pytest.mark.parametrize(
    "word", ["legal action", "our solicitor", "a lawsuit", "collection agency", "final", "court"]
)
def test_consequences_are_banned_before_final(word: str, tone: str) -> None:
    assert "banned_word" in codes(with_words(f"We think of {word}.", tone))


def test_legal_action_may_be_named_in_the_final_demand() -> None:
    assert codes(with_words("We will then take legal action.", "final")) == set()


@pytest.mark.parametrize("word", ["overdue", "late", "past due", "outstanding"])
def test_a_courtesy_may_not_call_anything_late(word: str) -> None:
    assert codes(with_words(f"It is {word}.", "courtesy")) == {"banned_word"}
    assert codes(with_words(f"It is {word}.", "firm")) == set()


@pytest.mark.parametrize("word", ["immediately", "you must", "urgent", "at once"])
def test_a_friendly_text_does_not_press(word: str) -> None:
    assert codes(with_words(f"Pay, {word}.", "friendly")) == {"banned_word"}


@pytest.mark.parametrize("tone", ["direct", "urgent", "final"])
def test_just_a_friendly_reminder_ends_with_firm(tone: str) -> None:
    assert "banned_word" in codes(with_words("This is just a friendly reminder.", tone))
    assert codes(with_words("This is just a friendly reminder.", "firm")) == set()


def test_there_is_no_second_final() -> None:
    assert "banned_word" in codes(with_words("This is the second final notice.", "final"))


def test_a_word_inside_another_is_no_match() -> None:
    assert codes(with_words("Our plates are lately delivered; courtesy matters.")) == set()


def test_a_word_that_a_law_asks_for_needs_an_explicit_exemption() -> None:
    text = with_words("You owe this debt.", "final")
    assert codes(text) == {"banned_word"}
    assert codes(replace(text, exempt=frozenset({"debt"}))) == set()


def test_capitals_shout_but_abbreviations_do_not() -> None:
    assert codes(with_words("Please PAY now.")) == {"all_caps"}
    assert codes(with_words("Quote the VAT number for SEPA transfers.")) == set()


def test_one_exclamation_mark_is_enough() -> None:
    assert codes(with_words("Thanks!")) == set()
    assert codes(with_words("Thanks!!")) == {"exclamation"}


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("field", ["invoice_table", "terms", "payments_note", "ways_to_pay"])
def test_l21_a_text_without_a_required_field_is_refused(field: str, tone: str) -> None:
    found = lint(without(email(tone), field))
    assert {problem.code for problem in found} == {"missing_field"}
    assert field in found[0].message


@pytest.mark.parametrize("tone", ["firm", "direct", "urgent", "final"])
def test_from_firm_on_the_deadline_is_stated(tone: str) -> None:
    assert codes(without(email(tone), "deadline")) == {"missing_field"}


def test_the_final_demand_lists_its_attempts() -> None:
    assert codes(without(email("final"), "prior_contacts")) == {"missing_field"}


def test_the_contact_is_always_named() -> None:
    assert codes(without(FIRM, "signature")) == {"missing_field"}


def test_a_required_field_behind_an_if_is_missing() -> None:
    hidden = FIRM.body.replace(
        "{{ invoice_table }}", "{% if offers_plan %}{{ invoice_table }}{% endif %}"
    )
    assert codes(replace(FIRM, body=hidden)) == {"missing_field"}


def test_the_invoice_table_stands_once() -> None:
    assert codes(with_words("{{ invoice_table }}")) == {"table_twice"}


@pytest.mark.parametrize("tone", ["courtesy", "friendly"])
def test_a_friendly_text_states_no_new_deadline(tone: str) -> None:
    assert codes(with_words("Until {{ deadline }}.", tone)) == {"deadline_too_early"}


def test_a_deadline_is_a_day_and_no_span() -> None:
    assert codes(with_words("Pay within 7 days.")) == {"relative_deadline"}
    assert codes(with_words("Pay within ten business days.")) == {"relative_deadline"}


@pytest.mark.parametrize("tone", ["direct", "urgent", "final"])
def test_thanks_for_the_business_end_with_firm(tone: str) -> None:
    assert "thanks_too_late" in codes(with_words("Thank you for your business.", tone))


def test_thanks_for_the_business_are_for_those_who_did_not_complain() -> None:
    assert codes(with_words("Thank you for your business.")) == {"thanks_after_complaint"}


def test_a_plan_is_offered_behind_its_flag_only() -> None:
    assert codes(with_words("We can agree a payment plan.")) == {"plan_offer"}
    guarded = "{% if offers_plan %}We can agree a payment plan.{% endif %}"
    assert codes(with_words(guarded)) == set()


def test_interest_is_claimed_behind_its_flag_only() -> None:
    assert codes(with_words("We charge interest.")) == {"interest_claim"}
    assert codes(with_words("{% if has_interest %}We charge interest.{% endif %}")) == set()


@pytest.mark.parametrize(
    "words", ["https://evil.test/pay", "see www.evil.test", "javascript:alert(1)"]
)
def test_links_are_ours(words: str) -> None:
    assert codes(with_words(words)) == {"literal_link"}


@pytest.mark.parametrize(
    "words", ["IBAN GB29 NWBK 6016 1331 9268 19", "Sort code 20-00-00 sort code"]
)
def test_bank_details_are_those_of_the_invoice(words: str) -> None:
    assert "literal_bank_details" in codes(with_words(words))


def test_a_thread_subject_names_no_invoices() -> None:
    text = replace(FIRM, subject="Invoices {{ invoice_numbers }} are due")
    assert codes(text) == {"subject_names_items"}


def test_a_subject_is_one_line_and_not_empty() -> None:
    assert "subject_lines" in codes(replace(FIRM, subject="Your account\nBcc: all@x.test"))
    assert "subject_empty" in codes(replace(FIRM, subject="  "))
    assert "subject_long" in codes(replace(FIRM, subject="x" * 200))


def test_a_flag_is_asked_for_and_never_printed() -> None:
    assert codes(with_words("{{ offers_plan }}")) == {"flag_printed"}


def test_html_in_a_text_is_pointed_out() -> None:
    assert codes(with_words("<b>Important</b>")) == {"markup"}


def test_a_problem_says_where_it_is() -> None:
    (problem,) = lint(replace(FIRM, subject="Your debt with {{ company_name }}"))
    assert (problem.code, problem.where) == ("banned_word", "subject")
    (broken,) = lint(replace(FIRM, subject="{{ company_name"))
    assert (broken.code, broken.where) == ("unreadable", "subject")


def test_colleagues_may_read_plain_words() -> None:
    text = preset(Purpose.INTERNAL, "internal", "internal")
    assert codes(replace(text, body=f"{text.body}\n\nLEGAL ACTION next!! A debt.")) == set()


def test_the_same_problem_is_told_once() -> None:
    assert len(lint(with_words("debt debt debt"))) == 1
