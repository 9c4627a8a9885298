from django.db import migrations, models

from arfollow.shared.upgrading import AddIndexBesideWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("dunning", "newer_3_moved")]
    operations = [
        AddIndexBesideWork(
            "contactattempt", models.Index(fields=["mark", "id"], name="newer_attempt_mark")
        )
    ]
