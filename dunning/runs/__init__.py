"""One planning pass: facts, decide, write. Safe to repeat and to run twice at once."""

from dunning.runs.enrolment import EnrolmentError, enrol
from dunning.runs.explain import Explanation, explain
from dunning.runs.planning import run
from dunning.runs.report import Report
from dunning.runs.simulation import Simulation, simulate
from dunning.runs.wake import wake_after_changes

__all__ = [
    "EnrolmentError",
    "Explanation",
    "Report",
    "Simulation",
    "enrol",
    "explain",
    "run",
    "simulate",
    "wake_after_changes",
]
