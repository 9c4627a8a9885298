from django.db import migrations, models

from arfollow.shared.upgrading import AddCheckBesideWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("invoices", "newer_4_index")]
    operations = [
        AddCheckBesideWork(
            "invoice",
            models.CheckConstraint(condition=models.Q(rank__lte=9), name="newer_invoice_rank"),
        )
    ]
