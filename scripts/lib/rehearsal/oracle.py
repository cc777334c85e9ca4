"""Holds a load's journal against the tables, whatever happened to the stores in between.

What was answered 2xx is there exactly once; what was refused, by a 4xx or because it waited too long to be begun, not
at all; where the outcome is unknown, a 5xx or no answer, once or not. Nothing is there that nobody sent, and the chain
of every lot verifies, computed here from the published formula: link = SHA-256(previous link, SHA-256 of the content,
time of record as int64 big-endian microseconds), beginning with SHA-256 of the lot's id.
"""

import json
import uuid
from collections import Counter
from hashlib import sha256

from .load import good, note

EVENTS = """SELECT json_build_array(lot_id, position, notes, (extract(epoch FROM recorded_at) * 1000000)::bigint,
                                    encode(hash, 'hex'), content) FROM event ORDER BY lot_id, position"""
LOTS = "SELECT json_build_array(id, event_count, encode(chain_head, 'hex')) FROM lot ORDER BY id"


def allowed(request):
    """How often an event may be in the table."""
    if good(request):
        return {1}
    return {0} if request.what[0] == "4" or request.code == "overloaded" else {0, 1}


def check(journal, database, others=()):
    """A line for each fault. `others` are the notes of events that were recorded by somebody else; those without a note
    are always another's: load.prepare() makes such."""
    events = [json.loads(row) for row in database.psql(EVENTS).splitlines()]
    lots = [json.loads(row) for row in database.psql(LOTS).splitlines()]
    stored = Counter(notes for _, _, notes, *_ in events)
    return [*wrong_counts(journal, stored, {None, *others}), *broken_chains(lots, events)]


def wrong_counts(journal, stored, others):
    sent = {note(request): request for request in journal if request.kind == "event"}
    for key, request in sent.items():
        if stored[key] not in allowed(request):
            yield f"{key}: {request.what} {request.code}, and {stored[key]} times in the table"
    for key in stored.keys() - sent.keys() - others:
        yield f"{key}: in the table, and nobody sent it"


def broken_chains(lots, events):
    links = {lot: sha256(uuid.UUID(lot).bytes).digest() for lot, *_ in lots}
    counts = Counter()
    for lot, position, _, recorded_at, link, content in events:
        counts[lot] += 1
        told = sha256(content.encode()).digest() + recorded_at.to_bytes(8, "big", signed=True)
        links[lot] = sha256(links[lot] + told).digest()
        if (counts[lot], links[lot].hex()) != (position, link):
            yield f"lot {lot}: its chain breaks at event {position}"
            links[lot], counts[lot] = bytes.fromhex(link), position
    for lot, count, head in lots:
        if (counts[lot], links[lot].hex()) != (count, head):
            yield f"lot {lot}: it says {count} events to {head[:8]}, there are {counts[lot]} to {links[lot].hex()[:8]}"
