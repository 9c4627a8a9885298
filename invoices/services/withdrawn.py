"""A dispute that was noted by mistake, taken back within the minute."""

from arfollow.shared.errors import ServiceError
from invoices.models import Dispute, DisputeStatus
from invoices.services.base import ledger_change
from invoices.services.derived import refresh_invoices


def withdraw_dispute(dispute_id: int) -> None:
    """Take an open dispute back as if it had never been noted; the caller leaves the event.

    ServiceError where it was resolved meanwhile.
    """
    row = Dispute.objects.select_related("invoice").get(pk=dispute_id)
    with ledger_change(row.invoice.customer_id):
        gone, _ = Dispute.objects.filter(pk=dispute_id, status=DisputeStatus.OPEN).delete()
        if not gone:
            raise ServiceError("This dispute was resolved already.")
        refresh_invoices([row.invoice_id])
