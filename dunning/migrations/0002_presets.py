"""A new installation starts with the shipped policies; the due-date ladder is the default."""

from typing import Any, ClassVar

from django.db import migrations

from dunning.models.stored import install_presets


def install(apps: Any, _schema_editor: object) -> None:
    install_presets(apps)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("dunning", "0001_follow_up")]
    operations: ClassVar = [migrations.RunPython(install, migrations.RunPython.noop)]
