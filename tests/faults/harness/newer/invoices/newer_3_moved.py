from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F

from arfollow.shared.upgrading import in_batches


def move(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("invoices", "Invoice").objects.filter(mark=None)
    in_batches(rows, lambda some: some.update(mark=F("number"), rank=1))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("invoices", "newer_2_rank")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
