"""One planning pass: facts, decide, write. Safe to repeat and to run twice at once."""

from dunning.runs.enrolment import EnrolmentError, enrol
from dunning.runs.explain import Explanation, explain
from dunning.runs.planning import run
from dunning.runs.report import Report

__all__ = ["EnrolmentError", "Explanation", "Report", "enrol", "explain", "run"]
