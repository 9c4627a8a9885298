"""The formats we know: by which headings each is recognised, and what its columns mean.

All of it is data; FACTS section 8 has the headings. A heading is compared without case,
spaces and punctuation, so that "*ContactName" and "Contact Name" are one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OWN_TEMPLATE = (
    "customer_number,customer_name,email,phone,address_line1,address_line2,city,region,"
    "postal_code,country,language,invoice_number,issue_date,due_date,terms,currency,amount,"
    "paid_amount,paid_date,po_number,disputed"
)
"""Heading line of the template that arfollow itself gives out."""

DATE_FIELDS = ("issue_date", "due_date", "paid_date", "reminded_on")
AMOUNT_FIELDS = (
    "amount",
    "paid_amount",
    "balance",
    "line_quantity",
    "line_unit_price",
    "line_discount",
    "line_tax",
    "line_amount",
)
EXTRA_FIELDS = (
    "tag",
    "status",
    "kind",
    "balance",
    "reminded",
    "reminded_on",
    "line_code",
    "line_description",
    "line_quantity",
    "line_unit_price",
    "line_discount",
    "line_tax",
    "line_amount",
)
FIELDS = (*OWN_TEMPLATE.split(","), *EXTRA_FIELDS)
NEEDED = ("invoice_number", "issue_date")


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file. ``columns`` gives for each field the headings it may have, best first.

    ``fills_down``: later lines of an invoice leave customer and dates blank. ``line_items``:
    one row per line, to be grouped by invoice number.
    """

    name: str
    signature: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    currency: str = ""
    line_items: bool = False
    fills_down: bool = False
    tax_in_lines: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A recognised header: at which column each field stands, and the headings as written."""

    format: Format
    line: int
    headings: tuple[str, ...]
    positions: Mapping[str, int]
    missing: tuple[str, ...] = field(default=())

    def heading(self, name: str) -> str:
        """The heading of a field as the file writes it; the field's own name without one."""
        at = self.positions.get(name)
        return self.headings[at] if at is not None else name


def normal(heading: str) -> str:
    """A heading without case, spaces and punctuation; "#" is kept, as in "Invoice #"."""
    return re.sub(r"[^\w#%]|_", "", heading.lower())


def _signature(*headings: str) -> frozenset[str]:
    return frozenset(normal(heading) for heading in headings)


ARFOLLOW = Format(
    "arfollow",
    _signature("customer_number", "invoice_number", "issue_date", "amount"),
    {name: (name,) for name in FIELDS},
)
IBM = Format(
    "ibm",
    _signature("countryCode", "customerID", "invoiceNumber", "InvoiceAmount", "SettledDate"),
    {
        "customer_number": ("customerID",),
        "tag": ("countryCode",),
        "invoice_number": ("invoiceNumber",),
        "issue_date": ("InvoiceDate",),
        "due_date": ("DueDate",),
        "amount": ("InvoiceAmount",),
        "disputed": ("Disputed",),
        "paid_date": ("SettledDate",),
    },
)
HIGHRADIUS = Format(
    "highradius",
    _signature("cust_number", "name_customer", "doc_id", "due_in_date", "converted_usd"),
    {
        "customer_number": ("cust_number",),
        "customer_name": ("name_customer",),
        "invoice_number": ("doc_id",),
        "issue_date": ("posting_date", "document_create_date"),
        "due_date": ("due_in_date",),
        "paid_date": ("clear_date",),
        "terms": ("cust_payment_terms",),
        "amount": ("converted_usd",),
    },
    currency="USD",
)
XERO = Format(
    "xero",
    _signature("ContactName", "EmailAddress", "InvoiceNumber", "InvoiceDate", "DueDate"),
    {
        "customer_name": ("ContactName",),
        "email": ("EmailAddress",),
        "address_line1": ("POAddressLine1",),
        "address_line2": ("POAddressLine2",),
        "city": ("POCity",),
        "region": ("PORegion",),
        "postal_code": ("POPostalCode",),
        "country": ("POCountry",),
        "invoice_number": ("InvoiceNumber",),
        "po_number": ("Reference",),
        "issue_date": ("InvoiceDate",),
        "due_date": ("DueDate",),
        "currency": ("Currency",),
        "amount": ("Total",),
        "paid_amount": ("InvoiceAmountPaid",),
        "balance": ("InvoiceAmountDue",),
        "status": ("Status",),
        "kind": ("Type",),
        "line_code": ("InventoryItemCode",),
        "line_description": ("Description",),
        "line_quantity": ("Quantity",),
        "line_unit_price": ("UnitAmount",),
        "line_discount": ("Discount",),
        "line_tax": ("TaxAmount",),
        "line_amount": ("LineAmount",),
    },
    line_items=True,
)
QUICKBOOKS = Format(
    "quickbooks",
    _signature("InvoiceNo", "Customer", "InvoiceDate", "DueDate", "ItemAmount"),
    {
        "customer_name": ("Customer",),
        "email": ("Email", "Customer Email"),
        "invoice_number": ("InvoiceNo",),
        "issue_date": ("InvoiceDate",),
        "due_date": ("DueDate",),
        "terms": ("Terms",),
        "currency": ("Currency", "Currency Code"),
        "line_code": ("Item(Product/Service)", "Item"),
        "line_description": ("ItemDescription",),
        "line_quantity": ("ItemQuantity",),
        "line_unit_price": ("ItemRate",),
        "line_tax": ("ItemTaxAmount",),
        "line_amount": ("ItemAmount",),
    },
    line_items=True,
    fills_down=True,
)
FRESHBOOKS = Format(
    "freshbooks",
    _signature("Client Name", "Invoice #", "Date Issued", "Line Total"),
    {
        "customer_name": ("Client Name",),
        "invoice_number": ("Invoice #",),
        "issue_date": ("Date Issued",),
        "due_date": ("Date Due", "Due Date"),
        "paid_date": ("Date Paid",),
        "status": ("Invoice Status",),
        "currency": ("Currency",),
        "line_code": ("Item Name",),
        "line_description": ("Item Description",),
        "line_quantity": ("Quantity",),
        "line_unit_price": ("Rate",),
        "line_amount": ("Line Total",),
    },
    line_items=True,
    tax_in_lines=True,
)
ZOHO = Format(
    "zoho",
    _signature("Invoice Date", "Invoice Number", "Customer Name", "Customer ID", "Balance"),
    {
        "customer_number": ("Customer ID",),
        "customer_name": ("Customer Name", "Company Name"),
        "phone": ("Billing Phone",),
        "address_line1": ("Billing Address",),
        "address_line2": ("Billing Street2",),
        "city": ("Billing City",),
        "region": ("Billing State",),
        "postal_code": ("Billing Code",),
        "country": ("Billing Country",),
        "invoice_number": ("Invoice Number",),
        "issue_date": ("Invoice Date",),
        "due_date": ("Due Date",),
        "terms": ("Payment Terms Label", "Payment Terms"),
        "currency": ("Currency Code",),
        "amount": ("Total",),
        "balance": ("Balance",),
        "paid_date": ("Last Payment Date",),
        "po_number": ("PurchaseOrder",),
        "status": ("Invoice Status",),
        "line_code": ("Item Name",),
        "line_description": ("Item Desc",),
        "line_quantity": ("Quantity",),
        "line_unit_price": ("Item Price",),
        "line_amount": ("Item Total",),
    },
    line_items=True,
)
MAPPED = Format(
    "mapped",
    frozenset(),
    {name: (name,) for name in FIELDS}
    | {
        "customer_number": (
            *("customer_number", "customer_no", "customer_id", "cust_number", "cust_no"),
            *("client_id", "client_number", "account_number", "account_no", "debtor_number"),
        ),
        "customer_name": (
            *("customer_name", "customer", "client_name", "client", "contact_name"),
            *("company_name", "company", "account_name", "bill_to"),
        ),
        "email": ("email", "email_address", "e_mail", "customer_email", "contact_email"),
        "phone": ("phone", "telephone", "phone_number", "customer_phone"),
        "address_line1": ("address_line1", "address1", "address", "street"),
        "address_line2": ("address_line2", "address2", "street2"),
        "city": ("city", "town"),
        "region": ("region", "state", "province", "county"),
        "postal_code": ("postal_code", "postcode", "zip", "zip_code"),
        "country": ("country",),
        "language": ("language", "locale"),
        "invoice_number": (
            *("invoice_number", "invoice_no", "invoice_id", "invoice", "invoice#", "inv_no"),
            *("document_number", "doc_no", "doc_id", "number"),
        ),
        "issue_date": ("issue_date", "invoice_date", "date_issued", "document_date", "date"),
        "due_date": ("due_date", "date_due", "due", "payment_due"),
        "terms": ("terms", "payment_terms"),
        "currency": ("currency", "currency_code", "iso_currency"),
        "amount": (
            *("amount", "invoice_amount", "total", "invoice_total", "total_amount"),
            *("gross_amount", "gross"),
        ),
        "paid_amount": ("paid_amount", "amount_paid", "paid", "payments"),
        "balance": ("balance", "open_balance", "amount_due", "outstanding", "open_amount"),
        "paid_date": ("paid_date", "date_paid", "payment_date", "settled_date", "clear_date"),
        "po_number": ("po_number", "po", "purchase_order", "order_number"),
        "disputed": ("disputed", "dispute", "in_dispute"),
        "status": ("status", "invoice_status"),
    },
)
KNOWN = (ARFOLLOW, IBM, HIGHRADIUS, XERO, QUICKBOOKS, FRESHBOOKS, ZOHO)
LINE_FIELDS = ("line_amount", "line_unit_price", "line_description", "line_code")


def recognise(line: int, cells: Sequence[str], chosen: Mapping[str, str]) -> Layout | None:
    """The layout of a header row; None where the row is no header that we can use.

    ``chosen`` are columns the person named; they go before what we know of the format.
    """
    headings = tuple(str(cell).strip() for cell in cells)
    index: dict[str, int] = {}
    for at, heading in enumerate(headings):
        if heading:
            index.setdefault(normal(heading), at)
    found = next((f for f in KNOWN if f.signature <= index.keys()), MAPPED)
    positions = _positions(found, index)
    wanted = {name: _column_of(heading, headings, index) for name, heading in chosen.items()}
    positions |= {name: at for name, at in wanted.items() if at is not None}
    missing = tuple(chosen[name] for name, at in wanted.items() if at is None)
    layout = Layout(found, line, headings, positions, missing)
    return layout if usable(layout) else None


def _positions(found: Format, index: Mapping[str, int]) -> dict[str, int]:
    places = {
        name: next((index[normal(h)] for h in headings if normal(h) in index), None)
        for name, headings in found.columns.items()
    }
    return {name: at for name, at in places.items() if at is not None}


def _column_of(heading: str, headings: tuple[str, ...], index: Mapping[str, int]) -> int | None:
    if heading in headings:
        return headings.index(heading)
    return index.get(normal(heading))


def usable(layout: Layout) -> bool:
    """Whether the columns suffice for an invoice: who, which, when and how much."""
    have = layout.positions.keys()
    who = "customer_number" in have or "customer_name" in have
    how_much = bool({"amount", "line_amount", "line_unit_price"} & have)
    return who and how_much and set(NEEDED) <= have and not layout.missing
