"""What holds many messages at once, as a line above every page."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from dunning import dispatch
from dunning.models import SendSwitch
from dunning.outbox import switches
from dunning.views.links import address
from dunning.worklist import held_back

CAUSES = {
    "storm": ("A run would send unusually many messages.", "Look at them and let them go."),
    "stale": ("Payment data is too old to chase on.", "Import the latest payments."),
    "pause": ("Messages wait for the pause to end.", "They leave when sending goes on."),
}
NAMED = 3


def stop_lights(request: HttpRequest) -> dict[str, object]:
    """Context of every page; asked of the database only where a page shows it."""
    return {"stop_lights": SimpleLazyObject(lights)}


def lights() -> list[dict[str, str]]:
    found = _stopped_parts() + _circuit()
    for cause, number in held_back().items():
        title, text = CAUSES.get(cause, ("Messages are held.", ""))
        messages = "1 message is held." if number == 1 else f"{number} messages are held."
        found.append(
            {
                "tone": "warn",
                "title": title,
                "text": f"{messages} {text}".strip(),
                "url": f"{address('outbox')}?show=held",
                "link": "Open the outbox",
            }
        )
    return found


def _stopped_parts() -> list[dict[str, str]]:
    """Kill switches that are on: the newest by name, many as their number."""
    rows = list(SendSwitch.objects.filter(on=True).order_by("-set_at")[: NAMED + 1])
    if len(rows) > NAMED:
        number = SendSwitch.objects.filter(on=True).count()
        return [_switch_light(f"Sending is stopped in {number} places.", "")]
    return [
        _switch_light(f"Sending is stopped: {switches.name_of(row.scope, row.target)}.", row.reason)
        for row in rows
    ]


def _circuit() -> list[dict[str, str]]:
    """An outage, a refused key, code of ours that breaks: nothing leaves until it is over."""
    told = dispatch.story()
    if not told:
        return []
    title = "Messages are not leaving."
    text = f"{told} They wait; one is tried now and then, and the others follow by themselves."
    return [{"tone": "bad", "title": title, "text": text, "url": address("outbox"),
             "link": "Open the outbox"}]  # fmt: skip


def _switch_light(title: str, text: str) -> dict[str, str]:
    return {
        "tone": "bad",
        "title": title,
        "text": text,
        "url": f"{address('sending-settings')}#stopped",
        "link": "Open the brakes",
    }
