"""No log may hold a secret: looks for those that a test used, and for whatever looks like one."""

import json
import re
from pathlib import Path
from urllib.parse import quote

# What gives a secret away whoever used it: a session's token in a header or in a body, a password's hash, a URL with a
# password in it.
LOOKS = [re.compile(text, re.IGNORECASE) for text in (
    rb"bearer\W+[\w-]{43}", rb"(?:access|refresh)_token\W+[\w-]{43}", rb"\$argon2", rb"scram-sha-256\$\d",
    rb"\b(?:postgres(?:ql)?|rediss?)://[^\s/@]*:[^\s/@]+@")]

TOKEN = re.compile(rb"(?<![\w-])[\w-]{43}(?![\w-])")  # 256 bits in base64url; other text of that length does no harm


def read(file):
    """The secrets a test program has noted: a JSON string a line (not by splitlines(), which U+2028 in one would end)."""
    return {json.loads(line) for line in Path(file).read_text(encoding="utf-8").split("\n") if line}


def spellings(secret):
    """As it is, within JSON, within an address."""
    return {text.encode() for text in (
        secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""))}


def search(logs, secrets):
    """A line for each line of a log that holds a secret: where, and what it holds, made unreadable."""
    tokens = {secret.encode() for secret in secrets if TOKEN.fullmatch(secret.encode())}
    others = sorted(text for secret in secrets if secret.encode() not in tokens for text in spellings(secret))
    found = []
    for log in map(Path, logs):
        text = log.read_bytes()
        places = [match.span() for look in LOOKS for match in look.finditer(text)]
        places += [match.span() for match in TOKEN.finditer(text) if match[0] in tokens]
        places += [(at, at + len(secret)) for secret in others if (at := text.find(secret)) >= 0]
        for begin, end in sorted(places):
            start = text.rfind(b"\n", 0, begin) + 1
            line = text.count(b"\n", 0, begin) + 1
            before = text[max(start, begin - 60):begin].decode(errors="replace")
            found.append(f"{log.name}:{line} holds a secret: {before}{'*' * (end - begin)}")
    return found
