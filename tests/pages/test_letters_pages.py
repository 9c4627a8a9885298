"""The pages of letters: print, scan, receipt, evidence, and what came back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from arfollow.shared.events import actor_of
from dunning import outbox as product
from dunning.delivery import letters
from dunning.models import ContactAttempt, Letter
from tests import make, outbox
from tests.make import TODAY
from tests.pages.conftest import member

# Both databases answer these addresses in the access matrix: once is enough here.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
USPS, S10 = "9407100000000000000009", "RB123456785GB"


@pytest.fixture(autouse=True)
def _on_a_monday() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("collector"))
    return client


def said(answer: Any) -> str:
    return " ".join(str(each) for each in get_messages(answer.wsgi_request))


def certified(name: str, **fields: Any) -> ContactAttempt:
    """An approved certified letter over one invoice."""
    customer = make.customer(name=name)
    invoice = make.invoice(customer, "400.00", outbox.late(60), number=f"{name[:4]}-1")
    return outbox.queued(
        customer, invoice, channel="letter", tone="direct", certified=True,
        pay_by=TODAY + timedelta(days=14), **fields,
    )  # fmt: skip


@pytest.fixture
def pair(desk: Client) -> list[Letter]:
    """Two printed letters, in the order of their pile."""
    outbox.company()
    ids = [certified("Ashdown Ltd").pk, certified("Birch Ltd").pk]
    desk.post("/letters/print/", {"pk": ids})
    return list(Letter.objects.order_by("pk"))


def posting(pair: list[Letter], **fields: Any) -> dict[str, Any]:
    return {"on": "2026-03-02"} | {f"post-{each.pk}": "on" for each in pair} | fields


def posted(desk: Client, pair: list[Letter]) -> list[Letter]:
    lines = f"{pair[0].number}\t{USPS}\t9590 9402\n{pair[1].number}\t{S10}"
    answer = desk.post("/letters/post/", posting(pair, scanned=lines))
    assert answer.status_code == 302, answer.content.decode()
    return list(Letter.objects.order_by("pk"))


def test_the_batch_page_offers_the_pile_in_two_orders(desk: Client, pair: list[Letter]) -> None:
    batch = pair[0].print_batch
    page = desk.get(f"/letters/batch/{batch}/?order=customer").content.decode()
    assert page.index("Ashdown Ltd") < page.index("Birch Ltd")
    file = desk.get(f"/letters/batch/{batch}/pdf/?order=customer")
    assert file["Content-Type"] == "application/pdf"
    assert file["Cache-Control"] == "no-store"


def test_all_labels_are_scanned_in_one_go(desk: Client, pair: list[Letter]) -> None:
    first, second = posted(desk, pair)
    assert (first.status, first.article_number, first.receipt_number) == (
        "posted",
        USPS,
        "9590 9402",
    )
    assert (second.status, second.article_number) == ("posted", S10)


def test_a_misread_label_warns_and_posts_nothing_until_it_is_confirmed(
    desk: Client, pair: list[Letter]
) -> None:
    misread = posting(pair[:1], **{f"article-{pair[0].pk}": "RB123456786GB"})
    answer = desk.post("/letters/post/", misread)
    assert answer.status_code == 422
    assert "The check digit does not fit" in answer.content.decode()
    assert Letter.objects.filter(status="posted").count() == 0
    desk.post("/letters/post/", misread | {"certain": "on"})
    assert Letter.objects.get(status="posted").article_number == "RB123456786GB"


def test_one_number_on_two_letters_is_refused_and_what_was_typed_stays(
    desk: Client, pair: list[Letter]
) -> None:
    twice = {f"article-{each.pk}": USPS for each in pair}
    answer = desk.post("/letters/post/", posting(pair, **twice))
    assert answer.status_code == 422
    words = answer.content.decode()
    assert f"stands at letter {pair[0].number} too" in words
    assert words.count(f'value="{USPS}"') == 2


def test_a_posting_day_to_come_is_refused(desk: Client, pair: list[Letter]) -> None:
    answer = desk.post("/letters/post/", posting(pair, on="2026-03-03"))
    assert "still to come" in answer.content.decode()


def test_what_was_paid_is_pulled_the_rest_is_posted_and_the_paper_is_ticked_off(
    desk: Client, pair: list[Letter]
) -> None:
    make.payment(pair[0].attempt.customer, "400.00", TODAY)
    seen = desk.get("/letters/post/").content.decode()
    assert "paid 11:30" in seen
    answer = desk.post("/letters/post/", posting(pair, **{f"article-{pair[1].pk}": S10}))
    assert f"Pull letter {pair[0].number} out of the pile: paid 11:30" in said(answer)
    assert Letter.objects.get(pk=pair[1].pk).status == "posted"
    page = desk.get("/letters/post/").content.decode()
    assert "Take out of the pile: 1 letter" in page
    desk.post("/letters/taken-out/", {"pk": [pair[0].pk]})
    pulled = Letter.objects.get(pk=pair[0].pk)
    assert (pulled.status, pulled.taken_out_by) == ("pulled", member("collector"))
    assert "Take out of the pile" not in desk.get("/letters/post/").content.decode()


def png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "PNG")
    return out.getvalue()


def test_the_receipt_is_uploaded_and_comes_back_harmless(desk: Client, pair: list[Letter]) -> None:
    letter = posted(desk, pair)[0]
    file = SimpleUploadedFile("card.png", png(), content_type="text/html")
    answer = desk.post(f"/letters/{letter.pk}/receipt/add/", {"receipt": file})
    assert answer.status_code == 302
    back = desk.get(f"/letters/{letter.pk}/receipt/")
    assert back.content == png()
    assert back["Content-Type"] == "image/png"
    assert back["Content-Disposition"].startswith("attachment")
    assert back["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in back["Content-Security-Policy"]
    page = desk.get(f"/letters/{letter.pk}/").content.decode()
    assert Letter.objects.get(pk=letter.pk).receipt.sha256 in page


def test_a_receipt_that_is_something_else_is_refused(desk: Client, pair: list[Letter]) -> None:
    letter = posted(desk, pair)[0]
    file = SimpleUploadedFile("r.pdf", b"<html>", content_type="application/pdf")
    answer = desk.post(f"/letters/{letter.pk}/receipt/add/", {"receipt": file})
    assert answer.status_code == 422
    assert "must be a PDF, a PNG or a JPEG" in answer.content.decode()
    assert desk.get(f"/letters/{letter.pk}/receipt/").status_code == 404


def test_the_evidence_is_a_file_to_keep(desk: Client, pair: list[Letter]) -> None:
    letter = posted(desk, pair)[0]
    answer = desk.get(f"/letters/{letter.pk}/evidence/")
    assert answer.content.startswith(b"%PDF-")
    assert f"evidence-{letter.number}.pdf" in answer["Content-Disposition"]


def test_a_reprint_stands_behind_a_sheet_that_says_so(desk: Client, pair: list[Letter]) -> None:
    before = Letter.objects.select_related("document").get(pk=pair[0].pk)
    answer = desk.get(f"/letters/{before.pk}/again/")
    assert answer.content.startswith(b"%PDF-")
    after = Letter.objects.select_related("document").get(pk=pair[0].pk)
    assert letters.bytes_of(after) == letters.bytes_of(before)


def test_a_certified_letter_without_receipt_is_missed_ten_days_after_posting(
    desk: Client, pair: list[Letter]
) -> None:
    letter = posted(desk, pair)[0]
    Letter.objects.filter(pk=pair[1].pk).update(posted_on=TODAY)
    Letter.objects.filter(pk=letter.pk).update(posted_on=TODAY - timedelta(days=9))
    assert letter.number not in desk.get("/letters/?show=missing").content.decode()
    Letter.objects.filter(pk=letter.pk).update(posted_on=TODAY - timedelta(days=10))
    page = desk.get("/letters/?show=missing").content.decode()
    assert letter.number in page
    assert pair[1].number not in page


def test_a_letter_that_came_back_offers_the_ordinary_copy_once(
    desk: Client, pair: list[Letter]
) -> None:
    letter = posted(desk, pair)[0]
    letters.mark_delivery(letter.pk, "unclaimed", TODAY, actor=actor_of(member("collector")))
    assert "Send the ordinary copy" in desk.get("/letters/?show=back").content.decode()
    answer = desk.post(f"/letters/{letter.pk}/copy/")
    assert "waits for approval" in said(answer)
    page = desk.get("/letters/?show=back").content.decode()
    assert "Send the ordinary copy" not in page
    assert ContactAttempt.objects.filter(reason="letter_returned").count() == 1


def test_a_letter_paid_after_it_was_posted_is_listed_with_the_day(
    desk: Client, pair: list[Letter]
) -> None:
    letter = posted(desk, pair)[0]
    make.payment(letter.attempt.customer, "400.00", TODAY, letter.attempt.lead_invoice)
    page = desk.get("/letters/?show=crossed").content.decode()
    assert letter.number in page
    assert "Paid 2 Mar 2026" in page
    assert pair[1].number not in page


@pytest.mark.parametrize("show", ["print", "post", "way", "missing", "back", "crossed", "done"])
def test_every_list_of_letters_exports_what_it_shows(
    desk: Client, pair: list[Letter], show: str
) -> None:
    posted(desk, pair)
    answer = desk.get(f"/letters/?show={show}&export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert text.startswith("Customer,Customer number,Letter")
    assert (USPS in text) is (show in ("way",))


def test_the_numbers_of_queries_do_not_grow_with_the_letters(
    desk: Client, pair: list[Letter], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(90) as few:
        desk.get("/letters/post/")
    for number in range(3):
        attempt = certified(f"Mor{number} Ltd")
        letters.print_letters([attempt.pk], actor=actor_of(member("collector")))
    with django_assert_max_num_queries(len(few)):
        desk.get("/letters/post/")


def test_a_manager_must_approve_before_a_letter_can_be_printed(desk: Client) -> None:
    outbox.company()
    attempt = certified("Cedar Ltd", needs_approval=True)
    assert desk.post("/letters/print/", {"pk": [attempt.pk]}).status_code == 422
    product.approve(attempt.pk, actor=actor_of(member("manager")))
    assert desk.post("/letters/print/", {"pk": [attempt.pk]}).status_code == 302
