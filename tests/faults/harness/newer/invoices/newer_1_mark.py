from django.db import migrations, models

from tests.faults.harness.newer import OLDER


class Migration(migrations.Migration):
    dependencies = [("invoices", OLDER["invoices"])]
    operations = [
        migrations.AddField("invoice", "mark", models.CharField(max_length=80, null=True)),
    ]
