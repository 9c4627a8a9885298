"""An e-mail that was dropped in is read as plain values, whatever it is made of."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.mailread import NotAMail, html_as_text, read_mail, read_pasted


def message(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    usual = {
        "From": "Pat Keel <AP@Example.test>",
        "Subject": "Re: Your account with Harbour & Pine",
        "Date": "Mon, 02 Mar 2026 10:15:00 +0100",
        "Message-ID": "<one@example.test>",
    }
    for name, value in (usual | {k.replace("_", "-"): v for k, v in headers.items()}).items():
        if value:
            mail[name] = value
    return mail


def test_sender_date_and_thread_come_from_the_headers() -> None:
    mail = message(In_Reply_To="<b@ours>", References="<a@ours> <b@ours>")
    mail.set_content("We pay on Friday.")
    read = read_mail(mail.as_bytes())
    assert read.sender == "ap@example.test"
    assert read.at == datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    assert read.answers == ("<b@ours>", "<a@ours>")
    assert read.message_id == "<one@example.test>"
    assert read.text == "We pay on Friday."
    assert not read.automatic


def test_html_becomes_words_without_anything_that_acts() -> None:
    mail = message()
    mail.set_content(
        "<style>p{}</style><p>We pay&nbsp;<b>Friday</b></p><script>alert(1)</script>"
        "<table><tr><td>HP-1</td><td>400.00</td></tr></table>",
        subtype="html",
    )
    text = read_mail(mail.as_bytes()).text
    assert "alert" not in text
    assert "p{}" not in text
    assert "We pay\N{NO-BREAK SPACE}Friday" in text or "We pay Friday" in text
    assert "HP-1 400.00" in text


def test_plain_text_is_preferred_to_html() -> None:
    mail = message()
    mail.set_content("plain words")
    mail.add_alternative("<p>html words</p>", subtype="html")
    assert read_mail(mail.as_bytes()).text == "plain words"


def test_attachments_are_listed_with_name_type_and_size() -> None:
    mail = message()
    mail.set_content("see attached")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="advice.pdf")
    mail.add_attachment(b"MZ\0", maintype="application", subtype="octet-stream", filename="a.exe")
    files = read_mail(mail.as_bytes()).files
    assert [(file.name, file.type, file.size) for file in files] == [
        ("advice.pdf", "application/pdf", 8),
        ("a.exe", "application/octet-stream", 3),
    ]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Auto_Submitted", "auto-replied"),
        ("Precedence", "auto-reply"),
        ("X_Autoreply", "yes"),
        ("Subject", "Automatic reply: Your account"),
        ("Subject", "Out of Office"),
    ],
)
def test_an_out_of_office_note_is_automatic(header: str, value: str) -> None:
    mail = message(**{header: value})
    mail.set_content("I am away.")
    assert read_mail(mail.as_bytes()).automatic


def test_a_message_without_an_id_is_known_by_its_bytes() -> None:
    mail = message(Message_ID="")
    mail.set_content("one")
    first = read_mail(mail.as_bytes()).message_id
    assert first == read_mail(mail.as_bytes()).message_id
    mail.set_content("two")
    assert read_mail(mail.as_bytes()).message_id != first


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\xd0\xcf\x11\xe0 outlook", "Outlook"),
        (b"PK\x03\x04\0\0", "not an e-mail"),
        (b"just some words", "no sender"),
        (b"", "no sender"),
    ],
)
def test_what_is_no_mail_is_refused_with_what_to_do(raw: bytes, says: str) -> None:
    with pytest.raises(NotAMail, match=says):
        read_mail(raw)


def test_a_character_set_that_does_not_exist_still_gives_words() -> None:
    raw = (
        b"From: a@b.test\nContent-Type: text/plain; charset=x-klingon\n"
        b"Content-Transfer-Encoding: 8bit\n\nWe pay on Friday\xff"
    )
    assert read_mail(raw).text.startswith("We pay on Friday")


def test_a_date_that_is_none_is_left_out() -> None:
    mail = message(Date="yesterday")
    mail.set_content("hello")
    assert read_mail(mail.as_bytes()).at is None


def test_pasted_text_with_its_header_lines_is_read_as_a_message() -> None:
    mail = read_pasted("From: Pat <pat@example.test>\nSubject: Paid\n\nPaid yesterday.")
    assert (mail.sender, mail.subject, mail.text) == ("pat@example.test", "Paid", "Paid yesterday.")


def test_bare_pasted_text_is_known_by_its_words_and_sender() -> None:
    first = read_pasted("Paid yesterday.", sender="pat@example.test")
    again = read_pasted("  Paid yesterday.\r\n", sender="Pat@example.test")
    assert first.message_id == again.message_id
    assert first.message_id != read_pasted("Paid today.", sender="pat@example.test").message_id
    with pytest.raises(NotAMail, match="Paste what they wrote"):
        read_pasted("  \n ")


def test_a_heap_of_text_is_cut() -> None:
    assert len(read_pasted("x" * 300_000).text) == 100_000


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(raw: bytes) -> None:
    try:
        read = read_mail(b"From: a@b.test\n" + raw)
    except NotAMail:
        return
    assert "\0" not in read.text
    assert read.sender


@given(st.text(max_size=300))
def test_no_html_breaks_the_reading(html: str) -> None:
    assert "<script" not in html_as_text(f"<p>{html}</p><script>x</script>") or "<script" in html
