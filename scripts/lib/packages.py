"""Debian packages: which of the lists in scripts/packages are missing, and their installation."""

import os
import shutil
import subprocess

from services import SOURCE, Failure

INSTALL = SOURCE / "scripts/lib/install"


def read_list(name):
    """One package a line, `a|b` where either will do, # starts a comment."""
    lines = (SOURCE / "scripts/packages" / name).read_text().splitlines()
    words = (line.partition("#")[0].strip() for line in lines)
    return [word.split("|") for word in words if word]


def installed():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"],
                          capture_output=True, text=True, check=True)
    pairs = (line.split(" ", 1) for line in done.stdout.splitlines())
    return {package for status, package in pairs if status == "installed"}


def missing(*names):
    have = installed()
    return [choices[0] for name in names for choices in read_list(name) if not have.intersection(choices)]


def install(*names_and_log):
    """install("run", "test", log): what these lists name and the machine lacks. Starts no service."""
    *names, log = names_and_log
    if not shutil.which("dpkg-query"):
        raise Failure("this is not Debian: packages cannot be installed",
                      hint=f"install what {SOURCE}/scripts/packages lists, by hand")
    wanted = missing(*names)
    if not wanted:
        return
    argv = [INSTALL, *wanted]
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise Failure(f"packages are missing: {' '.join(wanted)}",
                          hint=f"as root: {INSTALL} {' '.join(wanted)}")
        print(f"\nsudo, to install: {' '.join(wanted)}", flush=True)
        argv = ["sudo", *argv]
    else:
        print(f"installing {len(wanted)} packages ... ", end="", flush=True)
    with open(log, "ab") as output:
        done = subprocess.run(argv, stdout=output, stderr=subprocess.STDOUT, check=False)
    still = missing(*names)
    if done.returncode or still:
        raise Failure(f"packages could not be installed: {' '.join(still or wanted)}", log,
                      "check the network and the package sources, then try again")
