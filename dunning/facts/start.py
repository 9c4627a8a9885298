"""Where an imported item starts, from how far it was chased before (rule 1)."""

from dunning.policy import Policy, Tone


def start_step(policy: Policy, chased_to: str) -> str:
    """Key of the step after the step or tone it had reached; empty where nothing was done.

    decide() never starts above firm, however far an item was chased elsewhere.
    """
    if not chased_to:
        return ""
    steps = sorted(policy.steps, key=lambda step: step.day)
    keys = [step.step_key for step in steps]
    if chased_to in keys:
        reached = keys.index(chased_to)
    elif chased_to in set(Tone):
        rank = Tone(chased_to).rank
        reached = max((n for n, s in enumerate(steps) if 0 <= s.tone.rank <= rank), default=-1)
    else:
        return ""
    return keys[min(reached + 1, len(keys) - 1)]
