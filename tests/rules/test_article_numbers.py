"""Article numbers are read as scanned or typed, and their check digits warn (FACTS §2)."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.delivery.articles import read_article, s10_check, usps_check

SAMPLES = Path(os.environ.get("ARFOLLOW_SHARED_DATA", "../shared/data")) / "tracking"
WRONG = "The check digit does not fit: compare it with the label."


def test_the_vectors_of_the_facts_hold() -> None:
    assert read_article("RB123456785GB").warning == ""
    assert read_article("RB123456786US").warning == WRONG


@pytest.mark.parametrize(
    ("scanned", "kept"),
    [
        ("rb 123 456 785 gb", "RB123456785GB"),
        ("9407 1000 0000 0000 0000 07", "9407100000000000000007"),
        ("  RB123456785GB\t", "RB123456785GB"),
        ("0307-1790-0005-2348-3741", "03071790000523483741"),
        ("", ""),
    ],
)
def test_spaces_dashes_and_small_letters_are_no_part_of_a_number(scanned: str, kept: str) -> None:
    article = read_article(scanned)
    assert article.number == kept


def test_the_zip_code_that_a_us_barcode_starts_with_is_left_out() -> None:
    plain = f"940710000000000000000{usps_check('940710000000000000000')}"
    assert read_article(f"42094607{plain}") == read_article(plain)
    assert read_article(f"420946071234{plain}").number == plain


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("RB123456785XX", "XX is no country"),
        ("RB12345678GB", "9 digits between the letters, this one has 8"),
        ("940710000000000000000", "20 or 22 digits, this one has 21"),
        ("1A 123 456 7890 1", "Neither an S10 nor a USPS number"),
    ],
)
def test_what_cannot_be_right_says_why(number: str, says: str) -> None:
    assert says in read_article(number).warning


def test_check_values_of_ten_and_eleven_become_nought_and_five() -> None:
    ten = next(f"{n:08}" for n in range(500) if sum_of(f"{n:08}") % 11 == 1)
    eleven = next(f"{n:08}" for n in range(500) if sum_of(f"{n:08}") % 11 == 0)
    assert (s10_check(ten), s10_check(eleven)) == (0, 5)


def sum_of(payload: str) -> int:
    weights = (8, 6, 4, 2, 3, 5, 9, 7)
    return sum(weight * int(digit) for weight, digit in zip(weights, payload, strict=True))


DIGITS = st.text("0123456789", min_size=8, max_size=8)


@given(DIGITS, st.integers(0, 7), st.integers(1, 9))
def test_one_misread_digit_of_an_s10_number_is_noticed(payload: str, place: int, off: int) -> None:
    """Two check values share a digit, so one case in eleven may pass: those are let be."""
    right = f"RR{payload}{s10_check(payload)}DE"
    other = str((int(payload[place]) + off) % 10)
    misread = payload[:place] + other + payload[place + 1 :]
    assert read_article(right).warning == ""
    if s10_check(misread) != s10_check(payload):
        assert read_article(f"RR{misread}{right[10]}DE").warning == WRONG


@given(st.text("0123456789", min_size=21, max_size=21), st.integers(0, 20), st.integers(1, 9))
def test_one_misread_digit_of_a_usps_number_is_always_noticed(
    payload: str, place: int, off: int
) -> None:
    check = usps_check(payload)
    other = str((int(payload[place]) + off) % 10)
    misread = payload[:place] + other + payload[place + 1 :]
    assert read_article(f"{misread}{check}").warning == WRONG


@given(st.text("0123456789", min_size=19, max_size=19))
def test_twenty_digits_may_be_checked_with_the_91_that_labels_leave_out(payload: str) -> None:
    assert read_article(f"{payload}{usps_check(payload)}").warning == ""
    assert read_article(f"{payload}{usps_check('91' + payload)}").warning == ""


def samples(wanted: str) -> list[str]:
    """The sample numbers of the forms that certified letters have: S10, and 20 or 22 digits."""
    if not SAMPLES.exists():
        return []
    told = [json.loads((SAMPLES / f"{name}.json").read_text()) for name in ("s10", "usps")]
    kinds = [kind for file in told for kind in file["tracking_numbers"]]
    numbers = [read_article(n).number for kind in kinds for n in kind["test_numbers"][wanted]]
    form = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}|\d{20}|\d{22}")
    return [number for number in numbers if form.fullmatch(number)]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not here")
def test_the_shared_samples_are_judged_as_their_collectors_do() -> None:
    valid, invalid = samples("valid"), samples("invalid")
    assert len(valid) > 15
    assert {n: read_article(n).warning for n in valid if read_article(n).warning} == {}
    # two of the invalid ones are wrong in what they mean, not in their check digit
    unmeant = {"2334611306206407667222", "61299998820821171811", "9200000000000000000000"}
    assert [n for n in invalid if not read_article(n).warning and n not in unmeant] == []
