from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoices", "newer_1_mark")]
    operations = [
        migrations.AddField(
            "invoice", "rank", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
    ]
