"""The company's settings: saved whole, refused with reasons, read by everyone."""

from collections.abc import Callable

import pytest
from django.forms.models import model_to_dict
from django.test import Client
from playwright.sync_api import Page

from arfollow.shared.models import Event
from arfollow.staff.forms import COMPANY_PARTS, CompanyForm
from arfollow.staff.models import Company, Role, User
from tests.pages.conftest import member

URL = "/settings/company/"


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(member("admin"))
    return client


def filled(**changes: object) -> dict[str, object]:
    """The form as the page shows it, with some fields changed."""
    values = model_to_dict(Company.load(), fields=CompanyForm.Meta.fields)
    kept = {k: v for k, v in values.items() if v not in (None, False)}
    return kept | changes


def errors(client: Client, **changes: object) -> dict[str, list[str]]:
    answer = client.post(URL, filled(**changes))
    assert answer.status_code == 422
    return dict(answer.context["form"].errors)


def test_settings_are_saved(admin: Client) -> None:
    answer = admin.post(URL, filled(name="Harbour & Pine Supply Ltd", window_format="din_b"))
    assert answer.status_code == 302
    company = Company.load()
    assert (company.name, company.window_format) == ("Harbour & Pine Supply Ltd", "din_b")


def test_a_change_of_bank_details_tells_who_made_it_and_what_stood_before(admin: Client) -> None:
    admin.post(URL, filled(iban="GB33BUKB20201555555555"))
    admin.post(URL, filled(iban="DE75512108001245126199"))
    event = Event.objects.order_by("-id")[0]
    assert (event.verb, event.actor_label) == ("company.changed", "Sam Whitlock")
    assert event.data.summary == "Company settings: IBAN"
    assert event.data.values == {"iban": ["GB33BUKB20201555555555", "DE75512108001245126199"]}


def test_saving_without_a_change_leaves_no_trace(admin: Client) -> None:
    admin.post(URL, filled())
    before = Event.objects.count()
    admin.post(URL, filled())
    assert Event.objects.count() == before


def test_a_first_password_is_in_no_event(admin: Client) -> None:
    admin.post(
        "/settings/staff/add/",
        {"username": "tom", "role": "collector", "password": "rain on the harbour"},
    )
    assert User.objects.filter(username="tom").exists()
    for event in Event.objects.select_related("data"):
        assert "rain on" not in f"{event.data.summary} {event.data.values}"


def test_every_setting_of_the_form_stands_in_exactly_one_part(db: None) -> None:
    names = [name for _, _, part in COMPANY_PARTS for name in part]
    assert len(names) == len(set(names))
    assert set(CompanyForm().fields) == set(names)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("currency", "ABC", "not a currency"),
        ("currency", "KWD", "three decimals"),
        ("country", "U1", "two letters"),
        ("time_zone", "Mars/Olympus", "time zone"),
        ("payment_link", "http://pay.example/1", "https://"),
        ("send_window_end", 7, "after the earliest"),
        ("send_window_end", 25, "24 at most"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_the_reason(
    admin: Client, field: str, value: object, says: str
) -> None:
    assert says in errors(admin, **{field: value})[field][0]


def test_the_long_form_neither_pauses_sending_nor_ends_shadow_mode(admin: Client) -> None:
    """Those are acts of their own, with their own page."""
    Company.load()
    Company.objects.update(shadow_mode=True, shadow_email="sam@h.example", paused=True)
    admin.post(URL, filled(name="Harbour"))
    company = Company.load()
    assert (company.name, company.shadow_mode, company.paused) == ("Harbour", True, True)


def test_a_refused_form_changes_nothing(admin: Client) -> None:
    errors(admin, name="Other", currency="ABC")
    assert Company.load().name != "Other"


def test_everyone_sees_a_pause_and_shadow_mode_on_every_page(client: Client, db: None) -> None:
    Company.load()
    Company.objects.update(
        paused=True, pause_reason="Bank is closed", shadow_mode=True, shadow_email="sam@h.example"
    )
    client.force_login(member("read_only"))
    text = client.get("/profile/").content.decode()
    assert "Sending is paused." in text
    assert "Bank is closed" in text
    assert "Every message goes to sam@h.example" in text


def test_a_collector_reads_the_settings_without_a_form(client: Client, db: None) -> None:
    client.force_login(member("collector"))
    text = client.get(URL).content.decode()
    assert "Only an admin can change these." in text
    assert "Save the settings" not in text


def test_an_admin_adds_a_person_who_can_log_in(admin: Client) -> None:
    answer = admin.post(
        "/settings/staff/add/",
        {"username": "tom", "first_name": "Tom", "last_name": "Reyes", "role": "collector",
         "is_active": "on", "password": "rain on the harbour"},
    )  # fmt: skip
    assert answer.status_code == 302
    tom = User.objects.get(username="tom")
    assert tom.check_password("rain on the harbour")
    assert tom.role == Role.COLLECTOR


def test_a_first_password_must_be_long_enough(admin: Client) -> None:
    answer = admin.post(
        "/settings/staff/add/", {"username": "tom", "role": "collector", "password": "short"}
    )
    assert "password" in answer.context["form"].errors


def test_the_last_admin_cannot_be_lost(admin: Client) -> None:
    sam = User.objects.get(username="sam")
    for change in ({"role": "collector", "is_active": "on"}, {"role": "admin"}):
        answer = admin.post(f"/settings/staff/{sam.pk}/", change)
        assert "only admin" in answer.context["form"].errors["role"][0]
    member("manager")
    User.objects.filter(username="ruth").update(role=Role.ADMIN)
    assert admin.post(f"/settings/staff/{sam.pk}/", {"role": "manager", "is_active": "on"}).url


def test_people_edit_themselves_but_not_their_role(client: Client, db: None) -> None:
    rea = member("read_only")
    client.force_login(rea)
    client.post("/profile/", {"first_name": "Réa", "last_name": "Dean", "role": "admin"})
    rea.refresh_from_db()
    assert (rea.first_name, rea.role, rea.keyboard_shortcuts) == ("Réa", "read_only", False)


def test_the_settings_pages_have_no_accessibility_violation(look_at: Callable[..., None]) -> None:
    for path in (URL, "/settings/staff/", "/settings/staff/add/", "/accounts/2fa/"):
        look_at(path, "admin")


def test_a_refused_form_leads_to_the_field_without_javascript(
    page_as: Callable[..., Page], axe_check: Callable[[Page], None]
) -> None:
    page = page_as("admin", script=False)
    page.goto(URL)
    page.get_by_label("Country").fill("U1")
    page.get_by_role("button", name="Save the settings").click()
    link = page.get_by_role("link", name="Country: Enter a country as two letters")
    link.click()
    assert page.url.endswith("#id_country")


def test_the_menu_opens_on_a_phone_without_javascript(page_as: Callable[..., Page]) -> None:
    page = page_as("collector", width=390, script=False)
    page.goto("/profile/")
    settings = page.get_by_role("link", name="Settings")
    assert settings.count() == 0 or not settings.first.is_visible()
    page.get_by_text("Menu").click()
    settings.locator("visible=true").click()
    assert page.get_by_role("heading", name="Settings").is_visible()


def test_the_question_mark_lists_the_shortcuts_unless_switched_off(
    page_as: Callable[..., Page],
) -> None:
    page = page_as("collector")
    page.goto("/profile/")
    page.locator("body").press("?")
    assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Save your profile").click()
    page.locator("body").press("?")
    assert not page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()


@pytest.mark.parametrize(("typed", "kept"), [("25", 25), ("0", 0), ("", 40)])
def test_the_calls_a_day_of_a_person_are_set_or_stay(admin: Client, typed: str, kept: int) -> None:
    tom = User.objects.create_user("tom", role=Role.COLLECTOR)
    form = {"role": "collector", "is_active": "on", "calls_a_day": typed}
    assert admin.post(f"/settings/staff/{tom.pk}/", form).status_code == 302
    tom.refresh_from_db()
    assert tom.calls_a_day == kept
