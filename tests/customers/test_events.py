"""Every change leaves an event; events cannot be changed, and their chain shows tampering."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from arfollow.shared import events
from arfollow.shared.events import SYSTEM, Actor, Entry
from arfollow.shared.models import Event, EventChain, EventData

pytestmark = pytest.mark.django_db


def entry(summary: str = "Opened account", customer_id: int | None = 7) -> Entry:
    return Entry("customer.created", "customer", 7, summary, customer_id, {"name": "Ashdown"})


def sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET verb = 'other'",
        "UPDATE event SET hash = 'other'",
        "DELETE FROM event",
        "UPDATE event_data SET summary = 'other'",
        "UPDATE event_data SET \"values\" = '{}'",
        "DELETE FROM event_data",
    ],
)
def test_the_database_itself_refuses_to_change_an_event(statement: str) -> None:
    events.record(entry())
    with pytest.raises(DatabaseError, match="append-only"):
        sql(statement)
    assert Event.objects.get().verb == "customer.created"
    assert EventData.objects.get().summary == "Opened account"


def test_the_orm_cannot_delete_events_either() -> None:
    events.record(entry())
    with pytest.raises(ProtectedError):
        Event.objects.all().delete()


def test_personal_values_can_be_erased_without_breaking_the_chain() -> None:
    first = events.record(entry("Opened for Pat Keel"))
    second = events.record(entry("Changed phone"))
    EventData.objects.filter(event=first).update(summary="", values=None)
    assert events.event_hash(Event.objects.get(pk=first.pk)) == first.hash
    assert Event.objects.get(pk=second.pk).previous == first.hash


def test_events_of_a_customer_form_one_chain_in_order() -> None:
    made = events.record_many([entry("one"), entry("two"), entry("three")])
    assert [event.seq for event in made] == [1, 2, 3]
    assert [event.previous for event in made] == ["", made[0].hash, made[1].hash]
    head = EventChain.objects.get(key="customer:7")
    assert (head.seq, head.head) == (3, made[2].hash)


def test_chains_of_different_customers_do_not_touch() -> None:
    events.record_many([entry(customer_id=7), entry(customer_id=8), entry(customer_id=None)])
    keys = set(EventChain.objects.values_list("key", "seq"))
    assert keys == {("customer:7", 1), ("customer:8", 1), ("company", 1)}


def test_the_digest_covers_the_words_and_the_values() -> None:
    event = events.record(entry())
    data = EventData.objects.get(event=event)
    assert event.digest == events.data_digest(data.salt, data.summary, data.values)
    assert event.digest != events.data_digest(data.salt, data.summary, {"name": "Other"})


def test_a_stored_event_hashes_to_what_was_stored() -> None:
    made = events.record(entry(), actor=Actor(3, "Mia Okafor"))
    stored = Event.objects.get(pk=made.pk)
    assert events.event_hash(stored) == stored.hash


def test_many_events_cost_as_many_queries_as_few(django_assert_num_queries: object) -> None:
    events.record_many([entry(customer_id=number) for number in range(3)])
    with django_assert_num_queries(7):  # type: ignore[operator]
        events.record_many([entry(customer_id=number) for number in range(50)])


def test_nothing_to_record_asks_nothing_of_the_database(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert events.record_many([]) == []


def test_an_event_rolls_back_with_its_change() -> None:
    with transaction.atomic():
        events.record(entry())
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert not EventChain.objects.exclude(seq=0).exists()


def test_the_machine_acts_under_its_own_name() -> None:
    event = events.record(entry(), actor=SYSTEM)
    assert (event.actor_id, event.actor_label) == (None, "arfollow")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", [1, 2])
def test_the_triggers_stand_again_after_a_test_database_was_emptied(round_: int) -> None:
    assert not Event.objects.exists()
    events.record(entry(f"round {round_}"))
    with pytest.raises(DatabaseError, match="append-only"):
        sql("UPDATE event SET verb = 'other'")
