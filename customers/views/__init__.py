"""Pages that change a customer."""
