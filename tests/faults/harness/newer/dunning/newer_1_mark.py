from django.db import migrations, models

from tests.faults.harness.newer import OLDER


class Migration(migrations.Migration):
    dependencies = [("dunning", OLDER["dunning"])]
    operations = [
        migrations.AddField("contactattempt", "mark", models.CharField(max_length=80, null=True)),
    ]
