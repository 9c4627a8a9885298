"""Tables of the follow-up. Import models from here."""

from dunning.models.agreements import (
    Hold,
    HoldReason,
    PaymentPlan,
    PlanInstalment,
    PlanStatus,
    Promise,
    PromiseItem,
    PromiseStatus,
)
from dunning.models.attempts import AttemptItem, AttemptRecipient, ContactAttempt, ItemPart
from dunning.models.calls import CallOutcome, CallRecord, ContactLevel, Direction
from dunning.models.choices import (
    AttemptKind,
    AttemptState,
    Channel,
    HeldFor,
    ProviderStatus,
    Tone,
)
from dunning.models.desk import DeskSkip
from dunning.models.documents import Document
from dunning.models.frozen import FrozenMessage
from dunning.models.installation import Heartbeat, Installation, SendSwitch, SwitchScope
from dunning.models.letters import Letter, LetterCopy, LetterKind, LetterStatus
from dunning.models.messages import DeliveryEvent, Inbound, MessageEdit, MessageTemplate
from dunning.models.policies import (
    CustomerFollowUp,
    Enrolment,
    FollowUp,
    FollowUpState,
    Policy,
    PolicyStep,
    PolicyVersion,
    StepAction,
)
from dunning.models.runs import Run, RunStatus
from dunning.models.tasks import (
    PLACED,
    Placement,
    PlacementStatus,
    Task,
    TaskKind,
    TaskStatus,
)
from dunning.models.views import Exposure, Priority, SavedView

__all__ = [
    "PLACED",
    "AttemptItem",
    "AttemptKind",
    "AttemptRecipient",
    "AttemptState",
    "CallOutcome",
    "CallRecord",
    "Channel",
    "ContactAttempt",
    "ContactLevel",
    "CustomerFollowUp",
    "DeliveryEvent",
    "DeskSkip",
    "Direction",
    "Document",
    "Enrolment",
    "Exposure",
    "FollowUp",
    "FollowUpState",
    "FrozenMessage",
    "Heartbeat",
    "HeldFor",
    "Hold",
    "HoldReason",
    "Inbound",
    "Installation",
    "ItemPart",
    "Letter",
    "LetterCopy",
    "LetterKind",
    "LetterStatus",
    "MessageEdit",
    "MessageTemplate",
    "PaymentPlan",
    "Placement",
    "PlacementStatus",
    "PlanInstalment",
    "PlanStatus",
    "Policy",
    "PolicyStep",
    "PolicyVersion",
    "Priority",
    "Promise",
    "PromiseItem",
    "PromiseStatus",
    "ProviderStatus",
    "Run",
    "RunStatus",
    "SavedView",
    "SendSwitch",
    "StepAction",
    "SwitchScope",
    "Task",
    "TaskKind",
    "TaskStatus",
    "Tone",
]
