"""The line in a delivery up to which it can be called off for certain.

The total deadline cuts a delivery from outside, while its thread may hang anywhere. Both ask
the same lock: either the thread crosses first, and nobody can tell any more what the other
side has; or the deadline closes first, and the thread never hands the text over.
"""

import threading

from dunning.delivery.base import NotTaken


class Fence:
    """One for each delivery. ``phase`` is what it is at, in words; ``connecting`` until the
    other side has let us in: a cut there would meet every message alike."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._crossed = self._closed = False
        self.phase, self.connecting = "connecting", True

    @property
    def crossed(self) -> bool:
        """Whether the text may have begun to leave."""
        return self._crossed

    def at(self, phase: str) -> None:
        """The other side has let us in; this is what is asked of it now."""
        self.phase, self.connecting = phase, False

    def cross(self) -> None:
        """Call it before the first byte of the text; NotTaken where it was called off."""
        with self._lock:
            if self._closed:
                raise NotTaken("Called off before the text.")
            self._crossed = True

    def close(self) -> bool:
        """Call it off; False where that came too late."""
        with self._lock:
            self._closed = True
            return not self._crossed
