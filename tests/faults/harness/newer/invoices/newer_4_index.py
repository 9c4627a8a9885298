from django.db import migrations, models

from arfollow.shared.upgrading import AddIndexBesideWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("invoices", "newer_3_moved")]
    operations = [
        AddIndexBesideWork(
            "invoice", models.Index(fields=["mark", "id"], name="newer_invoice_mark")
        )
    ]
