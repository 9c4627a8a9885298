"""Policies survive the way into the database and back, version by version."""

from dataclasses import replace

import pytest

from dunning.models import Enrolment, Policy, PolicyVersion
from dunning.models.stored import install_presets, plain_policies, store_version
from dunning.policy import PRESETS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", list(PRESETS))
def test_a_shipped_policy_reads_back_as_it_was_written(key: str) -> None:
    version = PolicyVersion.objects.get(policy__key=key.lower(), current=True)
    assert plain_policies([version.pk])[version.pk] == PRESETS[key]


def test_a_new_installation_follows_the_due_date_ladder() -> None:
    assert Enrolment.objects.get(is_default=True).policy.name == "Due-date ladder"


def test_installing_again_changes_nothing() -> None:
    before = list(PolicyVersion.objects.order_by("id").values_list("id", "number"))
    install_presets()
    assert list(PolicyVersion.objects.order_by("id").values_list("id", "number")) == before
    assert Enrolment.objects.count() == 1


def test_a_default_that_staff_chose_is_kept() -> None:
    gentle = Policy.objects.get(key="p3")
    Enrolment.objects.filter(is_default=True).update(policy=gentle)
    install_presets()
    assert Enrolment.objects.get(is_default=True).policy == gentle


def test_l27_an_edited_policy_is_a_new_version_beside_the_old() -> None:
    row = Policy.objects.get(key="p3")
    edited = replace(PRESETS["P3"], steps=PRESETS["P3"].steps[:1])
    new = store_version(row, edited)
    old = row.versions.get(number=1)
    assert (old.current, new.current, new.number) == (False, True, 2)
    assert plain_policies([old.pk])[old.pk] == PRESETS["P3"]
    assert len(plain_policies([new.pk])[new.pk].steps) == 1


def test_the_current_versions_are_read_in_three_queries(
    django_assert_num_queries: object,
) -> None:
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(plain_policies()) == 4
