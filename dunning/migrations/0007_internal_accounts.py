"""The accounts that carry our own test and morning mails are marked as such."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OWN = ("TEST", "OFFICE")
KINDS = ("test", "morning")


def mark(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Only where they carry such mails, and nothing was ever billed to them."""
    attempts = apps.get_model("dunning", "ContactAttempt").objects
    carrying = attempts.filter(customer__number__in=OWN, kind__in=KINDS).values("customer")
    customers = apps.get_model("customers", "Customer").objects
    customers.filter(pk__in=carrying, invoices=None).update(internal=True)


class Migration(migrations.Migration):
    dependencies = [("dunning", "0006_customer_page")]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
