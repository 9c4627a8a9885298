"""Forms of the follow-up; each outcome of a call asks for what it needs."""
