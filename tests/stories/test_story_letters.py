"""A certified letter with proof, from the print job to the day the next step counts from."""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.core.files.base import ContentFile
from PIL import Image
from pypdf import PdfReader, PdfWriter

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from dunning import outbox as product
from dunning.delivery import letters, posting, printing, receipts
from dunning.delivery.articles import read_article
from dunning.delivery.evidence import evidence_of, evidence_pdf
from dunning.facts import lay_ground, load_cases
from dunning.models import AttemptState, Channel, ContactAttempt, Letter, LetterStatus, Tone
from dunning.outcomes.ordinary import send_ordinary_copy
from invoices.services import attach_original
from tests import make, outbox
from tests.dunning.pdfs import whole_text
from tests.make import TODAY

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ARTICLES = ("9407100000000000000007", "RB123456785GB")


@pytest.fixture(autouse=True)
def at_work():
    with time_machine.travel(outbox.SLOT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mia():
    return actor_of(make.user(Role.MANAGER, "mia"))


def pdf_of_theirs(pages: int = 1, size: tuple[int, int] = (612, 792)) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(*size)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def final_demand(name: str, mia, *, city: str, code: str, **fields):
    """An approved final demand over two invoices, the first with its original on file."""
    customer = make.customer(name=name)
    customer.addresses.update(city=city, postal_code=code, country="GB")
    first = make.invoice(customer, "400.00", outbox.late(120), number=f"{name[:5]}-1")
    second = make.invoice(customer, "250.00", outbox.late(110), number=f"{name[:5]}-2")
    attach_original(first.pk, "one.pdf", pdf_of_theirs(), actor=mia)
    day = outbox.late(30)
    earlier = outbox.queued(customer, first, tone=Tone.FIRM, planned_on=day)
    ContactAttempt.objects.filter(pk=earlier.pk).update(
        state=AttemptState.SENT, done_on=day, reached_on=day, message_id="<a@b>"
    )
    attempt = outbox.queued(
        customer, first, second, step="final", channel=Channel.LETTER, tone=Tone.FINAL,
        needs_approval=True,
        certified=True, pay_by=TODAY + timedelta(days=14), **fields,
    )  # fmt: skip
    return product.approve(attempt.pk, actor=mia)


@pytest.fixture
def pair(mia):
    outbox.company(country="GB", window_format="din_b", name="Harbour & Pine")
    zebra = final_demand("Zebra Ltd", mia, city="Aberdeen", code="AB10 1AA")
    alder = final_demand("Alder Ltd", mia, city="York", code="YO1 7HH")
    batch = letters.print_letters([alder.pk, zebra.pk], actor=mia)
    assert len(batch.letters) == 2, batch.left_out
    return printing.name_batch(batch, now=outbox.SLOT)


def test_the_pile_lies_in_the_order_of_the_post_or_of_the_customers(pair):
    by_post = [each.attempt.customer.name for each in printing.letters_of(pair.name)]
    by_name = [each.attempt.customer.name for each in printing.letters_of(pair.name, "customer")]
    assert by_post == ["Zebra Ltd", "Alder Ltd"]
    assert by_name == ["Alder Ltd", "Zebra Ltd"]


def test_the_print_file_is_duplex_safe_on_one_paper_with_its_cover_list(pair):
    made = pair.pdf()
    pages = PdfReader(BytesIO(made)).pages
    assert {tuple(round(float(x)) for x in page.mediabox[2:]) for page in pages} == {(595, 842)}
    starts = [n for n, page in enumerate(pages) if "Final demand" in page.extract_text()
              and "immediate attention" in page.extract_text()]  # fmt: skip
    assert len(starts) == 2
    assert all(start % 2 == 0 for start in starts)
    cover = " ".join(pages[0].extract_text().split())
    assert "Zebra Ltd" in cover
    assert "No copy behind it of invoice Zebra-2: no original on file" in cover
    assert "Zebra-1: no original" not in cover


def test_the_letter_names_the_copies_that_really_lie_behind_it(pair):
    letter = printing.letters_of(pair.name)[0]
    words = whole_text(letters.bytes_of(letter))
    assert "Copy of invoice Zebra-1" in words
    assert "Copy of invoice Zebra-2" not in words
    assert [copy.missing for copy in letter.copies.all()] == ["", "no original on file"]


def test_printing_the_job_again_changes_no_letter(pair, mia):
    before = {each.pk: each.document.sha256 for each in printing.letters_of(pair.name)}
    zebra = printing.letters_of(pair.name)[0]
    letters.mark_posted(zebra.pk, TODAY, ARTICLES[0], actor=mia)
    attach_original(zebra.attempt.lead_invoice_id, "other.pdf", pdf_of_theirs(3), actor=mia)
    make.company(name="Another name")
    again = printing.print_again(pair.name, now=outbox.SLOT)
    assert {each.pk: each.document.sha256 for each in again.batch.letters} == before
    assert letters.bytes_of(again.batch.letters[0]) in (
        bytes(each.document.data) for each in Letter.objects.select_related("document")
    )
    assert [copy.pages for copy in zebra.copies.all()] == [1, 0]


def test_the_posting_screen_names_what_was_paid_since_with_the_time(pair, mia, at_work):
    zebra, alder = printing.letters_of(pair.name)
    at_work.move_to(outbox.SLOT + timedelta(minutes=40))
    make.payment(zebra.attempt.customer, "650.00", TODAY)
    seen = {each.letter.pk: each.pull for each in posting.waiting(TODAY)}
    assert seen == {zebra.pk: "paid 10:40 (It is paid.)", alder.pk: ""}
    assert outbox.state(zebra.attempt) == AttemptState.PLANNED, "looking changes nothing"
    entries = [posting.Entry(each, read_article(number))
               for each, number in zip((zebra, alder), ARTICLES, strict=True)]  # fmt: skip
    result = posting.post_all(entries, TODAY, actor=mia)
    assert [each.number for each in result.done] == [alder.number]
    assert result.refused == [(zebra, "paid 10:40 (It is paid.)")]
    assert posting.to_take_out() == [zebra]
    assert posting.take_out([zebra.pk], actor=mia, now=outbox.SLOT) == 1
    assert posting.to_take_out() == []


def test_a_letter_whose_step_was_cancelled_after_printing_is_in_the_pile_to_take_out(pair, mia):
    zebra = printing.letters_of(pair.name)[0]
    product.cancel(zebra.attempt_id, actor=mia, reason="They called")
    assert posting.to_take_out() == [zebra]
    assert [each.letter.pk for each in posting.waiting(TODAY)] != [zebra.pk]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_scanned_lines_name_their_letters_in_any_order(pair, order):
    pile = printing.letters_of(pair.name)
    text = "\n".join(f"{pile[n].number}\t{ARTICLES[n]}" for n in order)
    found = {entry.letter: entry.article.number for entry in posting.read_list(text, pile)}
    assert found == dict(zip(pile, ARTICLES, strict=True))


def test_article_numbers_alone_follow_the_cover_list(pair):
    pile = printing.letters_of(pair.name)
    found = posting.read_list("\n".join(ARTICLES), pile)
    assert [(e.letter, e.article.number) for e in found] == list(zip(pile, ARTICLES, strict=True))
    with pytest.raises(ServiceError, match="1 article numbers for 2 certified letters"):
        posting.read_list(ARTICLES[0], pile)


def test_a_number_scanned_twice_or_used_before_is_refused(pair, mia):
    zebra, alder = printing.letters_of(pair.name)
    twice = [posting.Entry(each, read_article(ARTICLES[0])) for each in (zebra, alder)]
    assert posting.problems_of(twice) == {
        alder.pk: f"{ARTICLES[0]} stands at letter {zebra.number} too."
    }
    letters.mark_posted(zebra.pk, TODAY, ARTICLES[0], actor=mia)
    assert posting.problems_of(twice[1:]) == {
        alder.pk: f"{ARTICLES[0]} belongs to letter {zebra.number}."
    }


def test_an_unknown_letter_number_is_named(pair):
    with pytest.raises(ServiceError, match="L-1999-000001"):
        posting.read_list(
            f"L-1999-000001\t{ARTICLES[0]}\n{pile_number(pair)}\t{ARTICLES[1]}",
            printing.letters_of(pair.name),
        )


def pile_number(job) -> str:
    return printing.letters_of(job.name)[0].number


def posted(job, mia) -> Letter:
    letter = printing.letters_of(job.name)[0]
    return letters.mark_posted(letter.pk, TODAY, ARTICLES[0], actor=mia, receipt_number="9590")


def done_on_file(letter: Letter):
    """What the policy's history says of the letter's step."""
    customer = letter.attempt.customer
    case = load_cases([customer], TODAY + timedelta(days=30), lay_ground())[0]
    (row, *_) = [step for item in case.facts.items for step in item.history
                 if step.attempt_id == letter.attempt_id]  # fmt: skip
    return row


@pytest.mark.parametrize(("status", "wait"), [("delivered", 3), ("unclaimed", 16), ("refused", 5)])
def test_the_next_step_counts_from_the_day_the_post_reported(pair, mia, status, wait):
    letter = posted(pair, mia)
    assert done_on_file(letter).delivered_on is None
    day = TODAY + timedelta(days=wait)
    letters.mark_delivery(letter.pk, status, day, "J. Ferris", actor=mia)
    assert done_on_file(letter).delivered_on == day


def scan() -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 40), "white").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("data", "kind"), [(scan(), "image/png"),
                                            (pdf_of_theirs(), "application/pdf")])  # fmt: skip
def test_a_receipt_is_kept_with_its_hash_by_what_it_is(pair, mia, data, kind):
    letter = posted(pair, mia)
    letter = receipts.keep_receipt(letter.pk, "../../x.exe", data, actor=mia, now=outbox.SLOT)
    assert letter.receipt.content_type == kind
    assert bytes(letter.receipt.data) == data
    assert letter.receipt_name == "x.exe"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"GIF89a....", "must be a PDF, a PNG or a JPEG"),
        (b"<html><script>alert(1)</script>", "must be a PDF"),
        (b"%PDF-1.7 and then nothing", "cannot be opened"),
        (b"\x89PNG\r\n\x1a\n and then nothing", "cannot be opened"),
        (b"%PDF-" + b"0" * (10 * 1024 * 1024), "larger than 10 MB"),
    ],
)
def test_what_is_no_receipt_is_refused_with_the_reason(pair, mia, data, says):
    letter = posted(pair, mia)
    with pytest.raises(ServiceError, match=says):
        receipts.keep_receipt(letter.pk, "receipt.pdf", data, actor=mia, now=outbox.SLOT)
    assert Letter.objects.get(pk=letter.pk).receipt is None


def test_a_letter_that_was_not_posted_takes_no_receipt(pair, mia):
    letter = printing.letters_of(pair.name)[0]
    with pytest.raises(ServiceError, match="has not been posted"):
        receipts.keep_receipt(letter.pk, "r.png", scan(), actor=mia, now=outbox.SLOT)


def test_the_evidence_holds_every_fact_and_the_very_bytes(pair, mia):
    letter = posted(pair, mia)
    letters.mark_delivery(letter.pk, "delivered", TODAY + timedelta(days=3), "J. Ferris", actor=mia)
    receipts.keep_receipt(letter.pk, "card.png", scan(), actor=mia, now=outbox.SLOT)
    letter = Letter.objects.select_related("attempt__customer", "document", "receipt").get(
        pk=letter.pk
    )
    made = evidence_pdf(evidence_of(letter))
    words = whole_text(made)
    for stated in (
        letter.number, letter.document.sha256, letter.receipt.sha256, ARTICLES[0], "9590",
        "J. Ferris", "Zebra-1", "every hash computed again and found right",
    ):  # fmt: skip
        assert stated in words.replace("\n", ""), stated
    files = PdfReader(BytesIO(made)).attachments
    assert files[f"{letter.number}.pdf"] == [letters.bytes_of(letter)]
    assert files[f"{letter.number}-receipt.png"] == [scan()]


def test_evidence_of_a_changed_event_says_that_it_is_damaged(pair, mia, monkeypatch):
    letter = posted(pair, mia)
    monkeypatch.setattr(
        "dunning.delivery.evidence.faults_of", lambda chain: ["Event 3: it was changed"]
    )
    words = whole_text(evidence_pdf(evidence_of(letter)))
    assert "DAMAGED" in words
    assert "Event 3: it was changed" in words


def test_an_unclaimed_letter_goes_once_more_by_ordinary_mail_with_itself_behind(pair, mia):
    letter = posted(pair, mia)
    letters.mark_delivery(letter.pk, "unclaimed", TODAY, actor=mia)
    copy = send_ordinary_copy(letter.pk, actor=mia, today=TODAY)
    assert (copy.state, copy.certified) == (AttemptState.HELD, False)
    other = actor_of(make.user(Role.MANAGER, "ruth"))
    product.approve(copy.pk, actor=other)
    (made,) = letters.print_letters([copy.pk], actor=mia).letters
    words = whole_text(letters.bytes_of(made))
    assert f"Copy of letter {letter.number}" in words
    (behind,) = made.copies.all()
    assert behind.document.sha256 == letter.document.sha256
    with pytest.raises(ServiceError, match="planned already"):
        send_ordinary_copy(letter.pk, actor=mia, today=TODAY)


def test_a_delivered_letter_has_no_ordinary_copy(pair, mia):
    letter = posted(pair, mia)
    letters.mark_delivery(letter.pk, "delivered", TODAY, "X", actor=mia)
    with pytest.raises(ServiceError, match="came back"):
        send_ordinary_copy(letter.pk, actor=mia, today=TODAY)
    assert ContactAttempt.objects.filter(reason="letter_returned").count() == 0


def test_a_damaged_original_is_named_and_not_enclosed(mia):
    outbox.company()
    attempt = final_demand("Birch Ltd", mia, city="York", code="YO1 7HH")
    invoice = attempt.items.order_by("pk")[0].invoice
    invoice.original.save("broken.pdf", ContentFile(b"%PDF-1.4 broken"), save=True)
    (letter,) = letters.print_letters([attempt.pk], actor=mia).letters
    assert letter.copies.get(position=1).missing == "the file is not the one that was kept"
    assert letter.status == LetterStatus.PRINTED
    assert "Copy of invoice" not in whole_text(letters.bytes_of(letter))


def test_posting_lists_cost_the_same_for_two_letters_as_for_five(
    pair, mia, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(60) as few:
        posting.waiting(TODAY)
    for number in range(3):
        attempt = final_demand(f"Mor{number} Ltd", mia, city="York", code="YO1")
        letters.print_letters([attempt.pk], actor=mia)
    with django_assert_num_queries(len(few)):
        assert len(posting.waiting(TODAY)) == 5
