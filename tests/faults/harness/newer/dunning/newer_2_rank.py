from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dunning", "newer_1_mark")]
    operations = [
        migrations.AddField(
            "contactattempt", "rank", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
    ]
