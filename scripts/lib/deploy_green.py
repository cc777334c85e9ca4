"""Green from outside: what it must answer behind the test listener, and which build it says it is."""

import http.client
import json
import ssl

ROUNDS = 5  # of the tests of green, a connection each: the load balancer draws a task for each

# path, and what a good green answers: status, type, one field of the body
PROBES = (
    ("/livez", 200, "application/json", ("status", "alive")),
    ("/readyz", 200, "application/json", ("status", "ready")),
    ("/t/0000000000", 404, "application/problem+json", ("code", "not_found")),  # PostgreSQL says so
    ("/status", 404, "application/problem+json", ("code", "not_found")),  # for operators alone
)


def get(host, port, path):
    """(status, type, fields of the body) over a verified TLS connection of its own; OSError when there is no answer."""
    connection = http.client.HTTPSConnection(host, port, timeout=10, context=ssl.create_default_context())
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as why:
        raise OSError(repr(why)) from why
    finally:
        connection.close()
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    return answer.status, answer.headers.get_content_type(), fields if isinstance(fields, dict) else {}


def build(fields):
    """What /livez says of the program; None of one from before it said so."""
    return f"version {fields.get('version')}, revision {fields['revision']}" if "revision" in fields else None


def build_at(host, port):
    """For people: which build answers there."""
    try:
        return build(get(host, port, "/livez")[2]) or "says no revision"
    except OSError as why:
        return f"no answer from here: {why}"


def test_green(host, port, revision=None):
    """(what is wrong, which builds answered). `revision`: the only one that is right, if that is known."""
    faults, builds = set(), set()
    for path, *expected, (key, value) in PROBES * ROUNDS:
        try:
            status, kind, fields = get(host, port, path)
        except OSError as why:
            faults.add(f"{path}: {why}")
            continue
        if [status, kind, fields.get(key)] != [*expected, value]:
            faults.add(f"{path}: {status} {kind} {key} {fields.get(key)},"
                       f" not {expected[0]} {expected[1]} {key} {value}")
        if path == "/livez":
            builds.add(build(fields) or "says no revision")
            if revision and fields.get("revision") != revision:
                faults.add(f"{path}: revision {fields.get('revision')}, not {revision}")
    if len(builds) > 1:
        faults.add("answers come from more than one build")
    return sorted(faults), sorted(builds)
