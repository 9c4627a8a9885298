"""The environment that programs and processes of ours get: our own, handed on and not read."""

import os


def handed_on(changes: dict[str, str]) -> dict[str, str]:
    """Ours with these changes; a NAME_FILE of ours, which would win over its NAME, is left out."""
    kept = {name for name in os.environ if name.removesuffix("_FILE") not in changes}
    return {name: os.environ[name] for name in kept} | changes
