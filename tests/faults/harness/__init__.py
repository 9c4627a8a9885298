"""Faults injected for real: processes that die, servers that misbehave, disks that are full.

``bin/faults`` runs them. A *bench* works through its faults on one database; a *world* is that
database, a mail server that writes down what it took (the *sink*) and the customers of a fault;
the *oracle* compares afterwards what was planned and allowed with what arrived and what the
database says of it.
"""
