"""Events refuse UPDATE and DELETE in the database itself."""

from typing import ClassVar

from django.db import migrations

from arfollow.shared import triggers


class Migration(migrations.Migration):
    dependencies: ClassVar = [("shared", "0001_events")]
    operations: ClassVar = [migrations.RunPython(triggers.create, triggers.drop)]
