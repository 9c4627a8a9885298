"""The hours on our pages are those of our own office, winter and summer."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.utils import timezone

from arfollow.staff.models import Company, Role, User
from arfollow.staff.zone import CompanyZoneMiddleware
from tests import make

pytestmark = pytest.mark.django_db

SUMMER = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
WINTER = datetime(2026, 12, 1, 22, 30, tzinfo=UTC)


def page_of(moment: datetime, *, user: User | None) -> str:
    """What a page made for *user* writes for a moment."""

    def view(request: HttpRequest) -> HttpResponse:
        page = Template("{% load arf %}{{ moment|moment }}")
        return HttpResponse(page.render(Context({"moment": moment})))

    request = HttpRequest()
    request.user = user or type("Nobody", (), {"is_authenticated": False})()
    return CompanyZoneMiddleware(view)(request).content.decode()


def in_zone(name: str) -> User:
    company = Company.load()
    company.time_zone = name
    company.save()
    return make.user(Role.COLLECTOR, "mia")


@pytest.mark.parametrize(
    ("moment", "shown"), [(SUMMER, "2 Jul 2026, 00:30"), (WINTER, "1 Dec 2026, 23:30")]
)
def test_an_hour_is_the_companys_hour_and_its_day_too(moment: datetime, shown: str) -> None:
    assert shown in page_of(moment, user=in_zone("Europe/Paris"))


def test_before_a_login_nothing_is_read_of_the_company() -> None:
    in_zone("Europe/Paris")
    assert "22:30" in page_of(WINTER, user=None)


def test_the_zone_ends_with_the_page() -> None:
    before = timezone.get_current_timezone()
    page_of(WINTER, user=in_zone("Asia/Tokyo"))
    assert timezone.get_current_timezone() == before


def test_the_database_cuts_days_in_the_same_zone() -> None:
    make.user(Role.COLLECTOR, "tom")
    User.objects.update(date_joined=WINTER)
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        days = set(User.objects.values_list(TruncDate("date_joined"), flat=True))
    assert {str(day) for day in days} == {"2026-12-02"}
