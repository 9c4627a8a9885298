"""Items 5 and 6 of the collector's day as people walk them: approve, print, scan, prove."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
import time_machine
from PIL import Image
from playwright.sync_api import Page

from arfollow.shared.events import actor_of
from dunning.delivery import letters
from dunning.models import ContactAttempt, Letter, MessageEdit
from tests import make, outbox
from tests.make import TODAY
from tests.pages.conftest import member

type PageAs = Callable[..., Page]
NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
LABELS = ("RB123456785GB", "9407100000000000000009")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _on_a_monday() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


def waits(name: str, number: str, **fields: object) -> list[ContactAttempt]:
    """An e-mail and a certified letter to one customer that wait for approval."""
    customer = make.customer(name=name, owner=member("collector"))
    invoice = make.invoice(customer, "400.00", outbox.late(60), number=number)
    pay_by = TODAY + timedelta(days=14)
    return [
        outbox.queued(customer, invoice, channel=channel, tone="direct", step=channel,
                      needs_approval=True, certified=channel == "letter", pay_by=pay_by)
        for channel in ("email", "letter")
    ]  # fmt: skip


@pytest.fixture
def two() -> list[ContactAttempt]:
    outbox.company()
    return waits("Ashdown Ltd", "A-1") + waits("Birch Ltd", "B-1")


@pytest.mark.browser
def test_a_manager_edits_checks_approves_and_declines(
    page_as: PageAs, two: list[ContactAttempt]
) -> None:
    member("admin")
    page = page_as("manager")
    page.goto("/approvals/")
    page.get_by_role("link", name="Edit the wording of the letter to Ashdown Ltd").click()
    body = page.get_by_label("Text", exact=True)
    body.fill(body.input_value().replace("{{ invoice_table }}", "You owe a debt."))
    page.get_by_role("button", name="Check and show it").click()
    shown = page.frame_locator("iframe[name=look]")
    shown.get_by_text("To mend before it can be saved").wait_for()
    page.get_by_role("button", name="Keep this wording").click()
    page.get_by_role("alert").get_by_text("invoice_table").first.wait_for()
    typed = body.input_value()
    assert "You owe a debt." in typed
    body.fill(typed.replace("You owe a debt.", "As we said on Friday:\n\n{{ invoice_table }}"))
    page.get_by_role("button", name="Keep this wording").click()
    page.get_by_text("another approver has to look at it").wait_for()
    assert MessageEdit.objects.get().by == member("manager")
    page.get_by_role("button", name="Approve all 2").click()
    page.get_by_text("2 approved").wait_for()
    page.get_by_role("link", name="Decline the letter to Ashdown Ltd").click()
    page.get_by_label("Why it is declined").fill("They rang")
    page.get_by_label("What happens instead").select_option("plan")
    page.get_by_role("button", name="Decline it").click()
    page.get_by_text("is declined").wait_for()
    assert outbox.state(two[1]) == "cancelled"


@pytest.fixture
def printed(two: list[ContactAttempt]) -> list[Letter]:
    ids = [attempt.pk for attempt in two if attempt.channel == "letter"]
    ContactAttempt.objects.filter(pk__in=ids).update(state="planned", held_for="")
    return letters.print_letters(ids, actor=actor_of(member("collector"))).letters


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_labels_are_scanned_with_enter_and_the_receipt_follows(
    page_as: PageAs, printed: list[Letter], script: bool
) -> None:
    page = page_as("collector", script=script)
    page.goto("/letters/post/")
    if script:
        page.get_by_label("Article number of").first.focus()
        for label in LABELS:
            page.keyboard.type(label)
            page.keyboard.press("Enter")
        assert not Letter.objects.filter(status="posted").exists(), "a scan sends nothing"
        page.keyboard.press("Enter")
    else:
        page.get_by_text("Paste a list instead").click()
        lines = [f"{each.number}\t{label}" for each, label in zip(printed, LABELS, strict=True)]
        page.get_by_label("Or paste the numbers").fill("\n".join(lines))
        page.get_by_role("button", name="They are in the post").click()
    page.get_by_text("in the post.").first.wait_for()
    found = Letter.objects.order_by("pk").values_list("article_number", flat=True)
    assert set(found) == set(LABELS)
    _delivered_and_proved(page, printed[0])


def _delivered_and_proved(page: Page, letter: Letter) -> None:
    page.goto(f"/letters/{letter.pk}/")
    page.get_by_role("link", name="What the post says").click()
    page.get_by_label("Signed by").fill("J. Ferris")
    page.get_by_role("button", name="Record what the post says").click()
    page.get_by_role("link", name="Add the receipt").click()
    scan = BytesIO()
    Image.new("RGB", (60, 40), "white").save(scan, "PNG")
    file = {"name": "card.png", "mimeType": "image/png", "buffer": scan.getvalue()}
    page.get_by_label("Receipt").set_input_files(files=[file])  # type: ignore[list-item]
    page.get_by_role("button", name="Keep the receipt").click()
    page.get_by_role("link", name="card.png").wait_for()
    kept = Letter.objects.get(pk=letter.pk)
    assert (kept.status, kept.signer) == ("delivered", "J. Ferris")
    assert kept.receipt is not None


@pytest.mark.browser
def test_the_pages_of_letters_and_approvals_are_usable_by_everybody(
    look_at: Callable[..., None], two: list[ContactAttempt], printed: list[Letter]
) -> None:
    letters.mark_posted(printed[0].pk, TODAY, LABELS[0], actor=actor_of(member("collector")))
    letters.mark_delivery(printed[0].pk, "unclaimed", TODAY, actor=actor_of(member("collector")))
    make.payment(printed[1].attempt.customer, "400.00", TODAY)
    mail = next(attempt for attempt in two if attempt.channel == "email")
    for path in (
        "/approvals/",
        f"/outbox/{mail.pk}/edit/",
        "/texts/",
        "/texts/email/direct/ladder/",
        "/letters/?show=back",
        "/letters/post/",
        f"/letters/{printed[0].pk}/",
    ):
        look_at(path, "manager")
