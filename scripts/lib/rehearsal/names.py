"""A name server: Route 53's private zone, and the names of RDS and ElastiCache that move at a failover.

Stands for: A records with a TTL of 5 s, as the endpoints of RDS have. Every other name does not exist.
Leaves out: TCP, EDNS, every other type of record, the resolver that each zone has of its own (ours is in no zone, so a
zone cut off resolves nothing).
"""

import contextlib
import ipaddress
import socket
import struct
import threading

DOMAIN = "rehearsal.test"
TTL_SECONDS = 5
TYPE_A, CLASS_IN = 1, 1
RESPONSE, AUTHORITATIVE, RECURSION = 0x8080, 0x0400, 0x0100  # RFC 1035, 4.1.1; 0x0080: recursion is available
OPCODE, NAME_ERROR, NOT_IMPLEMENTED = 0x7800, 3, 4


class Names:
    def __init__(self, address, port=53):
        self._records = {}
        self._open = True
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self.address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)
        self._thread.start()

    def set(self, name, address):
        self._records[name.lower().rstrip(".")] = ipaddress.IPv4Address(address).packed

    def get(self, name):
        """The address as it is now, or None."""
        packed = self._records.get(name)
        return str(ipaddress.IPv4Address(packed)) if packed else None

    def close(self):
        self._open = False
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(512)
            if not self._open:
                return
            with contextlib.suppress(OSError):  # the client's network is gone
                if reply := answer(query, self._records):
                    self._socket.sendto(reply, client)


def answer(query, records):
    """The reply to a query; None to what is none."""
    try:
        number, flags, questions = struct.unpack_from("!HHH", query)
        name, end = _name(query, 12)
        kind, group = struct.unpack_from("!HH", query, end)
    except (struct.error, IndexError, UnicodeDecodeError):
        return None
    if flags & 0x8000 or questions != 1:
        return None
    question = query[12:end + 4]
    address = records.get(name.lower())
    if flags & OPCODE:
        code, address = NOT_IMPLEMENTED, None
    else:
        code = 0 if address else NAME_ERROR
    found = address and (kind, group) == (TYPE_A, CLASS_IN)
    head = struct.pack("!HHHHHH", number, RESPONSE | AUTHORITATIVE | flags & (RECURSION | OPCODE) | code,
                       1, 1 if found else 0, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, TYPE_A, CLASS_IN, TTL_SECONDS, 4) + address if found else b""
    return head + question + record


def _name(message, at):
    """(name, offset behind it); compressed ones do not occur in a question."""
    labels = []
    while length := message[at]:
        if length > 63:
            raise IndexError("not a label")
        labels.append(message[at + 1:at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels), at + 1
