"""Runs a program with private services around it: with_stack.py [--stores|--full] -- PROGRAM ARGS...

--stores: PostgreSQL (database and roles, no schema) and Redis. --full: the schema, the pool ($AGROBRIDGE_BIN) and nginx
too. The program finds them in AGROBRIDGE_DATABASE_URL, _OWNER_DATABASE_URL, _REDIS_URL, _SOCKET_DIR and, with --full,
_TEST_URL and _TEST_OPS_URL. Its exit status is ours; everything stops with it, also when we are told to end.

Then every log is searched for secrets: the stores' passwords, those that the program noted in AGROBRIDGE_TEST_SECRETS,
and what looks like one. Any that is found fails the program.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import leaks
import processes
from services import Failure, Nginx, Pool, Postgres, Redis, migrate

# What a test expects where its own environment says nothing: few workers, no limit in its way, and patience, because
# the machine may be busy with other tests.
TEST_CONF = {
    "WORKERS": "4", "LOGIN_WORKERS": "2", "RATE_API_PER_MINUTE": "0",
    "QUEUE_TIMEOUT_MS": "5000", "READ_TIMEOUT_MS": "10000", "WRITE_TIMEOUT_MS": "10000"}


# Each statement of the service in PostgreSQL's log, as its slow ones are in production (container/aws/data.yaml).
LOG_ALL = "ALTER ROLE agrobridge_app SET log_min_duration_statement = 0"


def start_stores(stack, directory, secrets):
    postgres = stack.enter_context(Postgres(directory / "p", quick=True, tether=True))
    redis = stack.enter_context(Redis(directory / "r", tether=True))
    secrets.update(postgres.passwords.values(), [redis.password])
    postgres.psql(LOG_ALL)
    sockets = processes.identity().make_directory(directory / "s")
    return {
        "AGROBRIDGE_DATABASE_URL": postgres.app_url, "AGROBRIDGE_OWNER_DATABASE_URL": postgres.owner_url,
        "AGROBRIDGE_REDIS_URL": redis.url, "AGROBRIDGE_SOCKET_DIR": str(sockets)}


def start_rest(stack, directory, env):
    binary = os.environ.get("AGROBRIDGE_BIN")
    if not binary:
        raise Failure("AGROBRIDGE_BIN is not set", hint="let it name the program: AGROBRIDGE_BIN=build/agrobridge")
    migrate(binary, env["AGROBRIDGE_OWNER_DATABASE_URL"], directory / "migrate.log",
            app_url=env["AGROBRIDGE_DATABASE_URL"])
    conf = {name: os.environ.get(f"AGROBRIDGE_{name}", value) for name, value in TEST_CONF.items()}
    stack.enter_context(Pool(directory / "s", binary, env["AGROBRIDGE_DATABASE_URL"], env["AGROBRIDGE_REDIS_URL"],
                             conf=conf, tether=True))
    nginx = stack.enter_context(Nginx(directory / "n", directory / "s", tether=True))
    return env | {"AGROBRIDGE_TEST_URL": nginx.url, "AGROBRIDGE_TEST_OPS_URL": nginx.ops_url}


def run(program, env):
    """The program's exit status, 128 + N for signal N. If we are told to end, it is told first."""
    child = subprocess.Popen(program, env=os.environ | env)
    try:
        status = child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
    return status if status >= 0 else 128 - status


def run_with_stack(directory, options):
    """The program's exit status; 1 if it was 0 and a log holds a secret."""
    secrets, noted = set(), directory / "secrets"
    noted.touch(mode=0o600)
    with contextlib.ExitStack() as stack:
        env = start_stores(stack, directory, secrets)
        if options.full:
            env = start_rest(stack, directory, env)
        status = run(options.program, env | {"AGROBRIDGE_TEST_SECRETS": str(noted)})
    found = leaks.search(directory.glob("**/*.log"), secrets | leaks.read(noted))
    for line in found:
        print(f"with_stack: {line}", file=sys.stderr)
    return status or int(bool(found))


def end(number, _frame):
    for other in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)  # once: what follows is the orderly stop
    sys.exit(128 + number)


def main(argv):
    parser = argparse.ArgumentParser(prog="with_stack.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--stores", action="store_true", help="PostgreSQL and Redis (default)")
    how.add_argument("--full", action="store_true", help="the schema, the pool and nginx too")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    with tempfile.TemporaryDirectory(prefix="ab-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o700 if processes.identity().uid == os.geteuid() else 0o711)
        try:
            return run_with_stack(directory, options)
        except Failure as failure:
            print(f"with_stack: {failure}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
