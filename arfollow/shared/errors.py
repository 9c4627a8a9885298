"""Errors that a person reads."""


class ServiceError(Exception):
    """A change was refused; `str()` is a sentence for the person who asked for it."""
