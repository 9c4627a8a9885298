"""Forms of the ledger."""
