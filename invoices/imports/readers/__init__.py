"""Reading lists of invoices: CSV, XLSX and ODS to typed rows. Pure, no database."""

from invoices.imports.readers.formats import FIELDS, OWN_TEMPLATE
from invoices.imports.readers.rows import read
from invoices.imports.readers.types import (
    CustomerFields,
    Limits,
    LineFields,
    Options,
    Reading,
    Remark,
    SourceRow,
    UnreadableFile,
)

__all__ = [
    "FIELDS",
    "OWN_TEMPLATE",
    "CustomerFields",
    "Limits",
    "LineFields",
    "Options",
    "Reading",
    "Remark",
    "SourceRow",
    "UnreadableFile",
    "read",
]
