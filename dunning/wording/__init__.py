"""What messages say: merge fields, preset texts and the linter. No database, no clock."""
