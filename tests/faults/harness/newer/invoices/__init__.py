"""The migrations of both versions."""

from pathlib import Path

from tests.faults.harness.newer import PLACES

__path__ = [str(Path(__file__).parent), str(PLACES["invoices"])]
