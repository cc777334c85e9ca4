#!/usr/bin/env python3
"""A PostgreSQL that speaks TLS, for one test: prints its port, its application role's password, and the files of its
own authority and of a stranger's, a line each; ends with its standard input. Its certificate is for localhost."""
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ["AGROBRIDGE_SOURCE"], "scripts", "lib"))

import processes
from services import Certificates, Postgres

with tempfile.TemporaryDirectory(prefix="ab-", ignore_cleanup_errors=True) as name:
    directory = Path(name)
    directory.chmod(0o700 if processes.identity().uid == os.geteuid() else 0o711)
    ours, strangers = Certificates(directory / "ours"), Certificates(directory / "strangers")
    with Postgres(directory / "p", quick=True, tether=True, certificates=ours) as postgres:
        print(postgres.port, postgres.passwords["agrobridge_app"], ours.ca, strangers.ca, sep="\n", flush=True)
        sys.stdin.read()
