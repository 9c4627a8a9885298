"""Is a backup good? Restored into a scratch place, looked at, thrown away (F-70, D9)."""

from dunning.management.backup.findings import BAD_INPUT, Unusable
from dunning.management.backup.inspection import inspect
from dunning.management.backup.report import Report, Wanted

__all__ = ["BAD_INPUT", "Report", "Unusable", "Wanted", "inspect"]
