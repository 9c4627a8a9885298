"""``render_letters``: what is due as files, and the same bytes again by the job's name."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError

from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from dunning import outbox as product
from dunning.delivery.pdf import page_count
from dunning.delivery.printing import due_letters
from dunning.models import Channel, ContactAttempt, Letter, LetterStatus, Tone
from tests import make, outbox
from tests.dunning.pdfs import whole_text
from tests.make import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_work():
    with time_machine.travel(outbox.SLOT, tick=False):
        yield


def approved(number: str, **fields: Any) -> ContactAttempt:
    """An approved letter over one invoice of that number."""
    outbox.company()
    customer = make.customer(name=f"Customer of {number}")
    invoice = make.invoice(customer, "400.00", outbox.late(50), number=number)
    attempt = outbox.queued(
        customer,
        invoice,
        channel=Channel.LETTER,
        tone=Tone.DIRECT,
        needs_approval=True,
        pay_by=TODAY + timedelta(days=14),
        **fields,
    )
    return product.approve(attempt.pk, actor=actor_of(make.user(Role.MANAGER)))


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("render_letters", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_one_pdf_a_letter_and_one_merged_file(tmp_path: Path) -> None:
    first, second = approved("A-1"), approved("A-2")
    said = run("--out", str(tmp_path / "made" / "here"))
    found = files(tmp_path / "made" / "here")
    numbers = [Letter.objects.get(attempt=each).number for each in (first, second)]
    assert sorted(found) == sorted([f"{number}.pdf" for number in numbers] + ["letters.pdf"])
    assert said["letters"] == 2
    assert said["pages"] == sum(page_count(found[name]) for name in said["files"][:2])
    assert said["files"] == [f"{numbers[0]}.pdf", f"{numbers[1]}.pdf", "letters.pdf"]
    merged = whole_text(found["letters.pdf"])
    assert merged.index(f"Print job {said['batch']}") < merged.index("A-1") < merged.index("A-2")


def test_letters_that_wait_for_approval_are_not_due(tmp_path: Path) -> None:
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "400.00", outbox.late(50))
    outbox.queued(customer, invoice, channel=Channel.LETTER, needs_approval=True)
    said = run("--out", str(tmp_path))
    assert (said["letters"], said["files"], said["batch"]) == (0, [], "")
    assert files(tmp_path) == {}


def test_a_letter_of_tomorrow_is_not_due() -> None:
    attempt = approved("A-1")
    assert due_letters(TODAY) == [attempt.pk]
    ContactAttempt.objects.filter(pk=attempt.pk).update(planned_on=TODAY + timedelta(days=1))
    assert due_letters(TODAY) == []


def test_running_twice_writes_the_same_bytes_and_prints_nothing_anew(tmp_path: Path) -> None:
    approved("A-1")
    said = run("--out", str(tmp_path))
    before = files(tmp_path)
    assert run("--out", str(tmp_path))["batch"] == said["batch"]
    assert {name: files(tmp_path)[name] for name in before if name != "letters.pdf"} == {
        name: content for name, content in before.items() if name != "letters.pdf"
    }
    assert Letter.objects.get().print_batch == said["batch"]


def test_a_batch_comes_again_by_its_name_after_it_was_paid(tmp_path: Path) -> None:
    attempt = approved("A-1")
    name = run("--out", str(tmp_path / "one"))["batch"]
    make.payment(attempt.customer, "400.00", TODAY)
    said = run("--out", str(tmp_path / "two"), "--batch", name)
    assert said["letters"] == 1
    number = Letter.objects.get().number
    assert files(tmp_path / "one")[f"{number}.pdf"] == files(tmp_path / "two")[f"{number}.pdf"]


def test_a_letter_paid_before_printing_is_left_out_with_the_reason(tmp_path: Path) -> None:
    paid, stays = approved("A-1"), approved("A-2")
    make.payment(paid.customer, "400.00", TODAY)
    said = run("--out", str(tmp_path))
    assert said["letters"] == 1
    (left,) = said["left_out"]
    assert left["attempt"] == paid.pk
    assert left["reason"].startswith("Pulled:")
    assert Letter.objects.get(attempt=stays).status == LetterStatus.PRINTED


def test_an_unusable_address_leaves_its_letter_out(tmp_path: Path) -> None:
    attempt = approved("A-1")
    attempt.customer.addresses.update(undeliverable=True)
    said = run("--out", str(tmp_path))
    assert said["letters"] == 0


def test_an_unknown_batch_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        run("--out", str(tmp_path), "--batch", "nothing")
    assert caught.value.returncode == 2


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CommandError) as caught:
        run("--out", str(tmp_path / "file"))
    assert caught.value.returncode == 2


def test_without_json_the_files_are_named(tmp_path: Path) -> None:
    approved("A-1")
    out = StringIO()
    call_command("render_letters", "--out", str(tmp_path), stdout=out)
    assert "letters.pdf" in out.getvalue()
