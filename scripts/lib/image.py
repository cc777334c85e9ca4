"""scripts/image: builds the two images of a task, agrobridge-app and agrobridge-nginx, and tests them.

With docker where its engine runs, else with podman, installed if it is missing. The same source, packages and epoch
give the same digest.
"""

import argparse
import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import packages
from services import SOURCE, Failure
from stack import Stack, Steps, say

NAMES = ("nginx", "app")
PODMAN = ("podman", "--runtime", "runc")
LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")  # podman's own need a fully privileged root
PULL_SECONDS = 120
RDS_CA_URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
STEPS = 5  # engine, base, two images, and what is done with them
# In the log of a build: podman's and docker's way to say which instruction runs.
INSTRUCTION = re.compile(rb"STEP \d+/\d+: (.*)|^#\d+ \[.*?\] (.*)", re.MULTILINE)


def output(*argv):
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, argv[:6]))}: {done.stderr.strip()}")
    return done.stdout.strip()


def works(*argv, seconds=None):
    try:
        return subprocess.run(argv, capture_output=True, check=False, timeout=seconds).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


class Builder:
    """Keeps its logs and a base made here in the stack's directory. Builds once."""

    def __init__(self, podman=False):
        stack = Stack(os.environ.get("AGROBRIDGE_VAR") or SOURCE / "var")
        stack.make_directories()
        self.var, self.log = stack.var, stack.log_dir / "image.log"
        self.steps = Steps(STEPS)
        with self.steps.step("looking for podman" if podman else "looking for docker, else podman"):
            self.podman = podman or not works("docker", "info")
            if self.podman:
                packages.install("image", self.log)
        self.engine = PODMAN if self.podman else ("docker",)

    def base(self, release):
        """Debian's slim image, or where there is no registry a minimal system made of the same packages."""
        pulled, made = f"docker.io/library/debian:{release}-slim", f"localhost/agrobridge-base:{release}"
        if not self.podman:
            return pulled
        for name in (pulled, made):
            if works(*PODMAN, "image", "exists", name):
                return name
        if works(*PODMAN, "pull", pulled, seconds=PULL_SECONDS):
            return pulled
        tar = self.var / f"base-{release}.tar"
        if not tar.exists():
            new = tar.with_suffix(".new.tar")
            mirror = "http://deb.debian.org/debian"
            self.run("mmdebstrap", "--variant=minbase", release, new, f"deb {mirror} {release} main",
                     f"deb {mirror} {release}-updates main", f"deb {mirror}-security {release}-security main")
            new.rename(tar)
        self.run(*PODMAN, "import", tar, made)
        return made

    def run(self, *argv):
        """Its output goes to the log; on a terminal this step's line shows how long it has run and what it does."""
        with open(self.log, "ab") as log, contextlib.ExitStack() as stack:
            start, begun = log.tell(), time.monotonic()
            process = stack.enter_context(
                subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            if sys.stdout.isatty():
                stack.callback(self.show, "")
            while sys.stdout.isatty() and process.poll() is None:
                self.show(f"{time.monotonic() - begun:.0f} s  {self.instruction(start)}")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)
        if process.returncode:
            raise Failure(f"{argv[0]} failed", self.log,
                          "correct what the log says, or the network if something could not be fetched; then try again")

    def instruction(self, start):
        with open(self.log, "rb") as log:
            log.seek(start)
            found = INSTRUCTION.findall(log.read())
        return " ".join(b"".join(found[-1]).decode(errors="replace").split()) if found else ""

    @staticmethod
    def show(text):
        """Instead of what stands behind the cursor, which stays where it is."""
        text = text[:max(shutil.get_terminal_size().columns - 40, 8)]
        say(f"\x1b[K{text}" + "\b" * len(text), end="")

    def build(self, release="bookworm", rds_ca=None, cache=True, tag="latest"):
        """{"app": image id, "nginx": image id}"""
        if rds_ca and not Path(rds_ca).is_file():
            raise Failure(f"{rds_ca} is not a file", hint=f"curl -o {rds_ca} {RDS_CA_URL}")
        version, revision, epoch, origin = identity()
        with self.steps.step(f"getting Debian {release}"):
            base = self.base(release)
        arguments = {"BASE": base, "REVISION": revision, "SOURCE_DATE_EPOCH": epoch}
        labels = {"version": version, "revision": revision, "source": origin,
                  "created": datetime.fromtimestamp(int(epoch), timezone.utc).isoformat()}
        options = ["--file", SOURCE / "container/Dockerfile"]
        if rds_ca:
            arguments["RDS_CA_SHA256"] = hashlib.sha256(Path(rds_ca).read_bytes()).hexdigest()
            options += ["--secret", f"id=rds-ca,src={Path(rds_ca).absolute()}"]
        if not cache:
            options.append("--no-cache")
        if self.podman:
            options += ["--pull=never", "--network=host", "--identity-label=false", "--timestamp", epoch]
        options += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        options += [f"--label=org.opencontainers.image.{name}={value}" for name, value in labels.items() if value]
        for name in NAMES:
            with self.steps.step(f"building agrobridge-{name}"):
                self.run(*self.engine, "build", *options, "--target", name, "--tag", full_name(name, tag), SOURCE)
        return {name: self.inspect(full_name(name, tag))["Id"].removeprefix("sha256:") for name in NAMES}

    def inspect(self, image):
        return json.loads(output(*self.engine, "image", "inspect", image))[0]

    def compressed(self, image):
        """Bytes a registry would keep, about: the whole archive at gzip's usual level."""
        saving = subprocess.Popen([*self.engine, "save", image], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        count = Counter()
        with saving, gzip.GzipFile(fileobj=count, mode="wb", compresslevel=6, mtime=0) as packed:
            shutil.copyfileobj(saving.stdout, packed)
        if saving.returncode:
            raise Failure(f"{image} could not be saved")
        return count.bytes


class Counter:
    """A file that only counts."""

    bytes = 0

    def write(self, data):
        self.bytes += len(data)
        return len(data)

    def flush(self):
        pass


def full_name(name, tag="latest"):
    return f"localhost/agrobridge-{name}:{tag}"


def identity():
    """(version, revision, the time every file gets: the commit's, where the source is published or "")"""
    version = re.search(r"AC_INIT\(\[.*?\], \[(.*?)\]", (SOURCE / "configure.ac").read_text())[1]
    git = ("git", "-c", f"safe.directory={SOURCE}", "-C", str(SOURCE))
    checkout = works(*git, "rev-parse")
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or (output(*git, "log", "-1", "--format=%ct") if checkout else "0")
    origin = output(*git, "config", "--default", "", "remote.origin.url") if checkout else ""
    return version, output(SOURCE / "tools/revision", SOURCE), epoch, origin if origin.startswith("https://") else ""


def build(options):
    builder = Builder()
    digests = builder.build(options.base, options.rds_ca, not options.no_cache, options.tag)
    names = [full_name(name, options.tag) for name in digests]
    with builder.steps.step("measuring them"):
        sizes = [(builder.inspect(name)["Size"] / 1e6, builder.compressed(name) / 1e6) for name in names]
    say("")
    for name, digest, (plain, packed) in zip(names, digests.values(), sizes):
        say(f"  {name}  {plain:.1f} MB, {packed:.1f} MB compressed\n    sha256:{digest}")
    return 0


def test(options):
    """In a network of its own, which the containers and the stores share: nothing else is there, every port is free."""
    if os.geteuid() != 0:
        raise Failure("the test needs root: it makes a network namespace", hint="sudo scripts/image test")
    program = Path(__file__).with_name("image_test.py")
    classes = re.findall(r"^class (\w+)\(unittest\.TestCase\)", program.read_text(), re.MULTILINE)
    known = {*classes, *re.findall(r"def (test_\w+)", program.read_text())}
    for name in options.tests:
        if not known.issuperset(name.split(".")):
            raise Failure(f"there is no test {name}", hint=f"{', '.join(classes)}, or CLASS.TEST of {program}")
    builder = Builder(podman=True)
    builder.build(options.base, tag=options.tag)
    builder.steps.skip("running them as a task")
    return subprocess.run(["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-B",
                           program, *options.tests],
                          env=os.environ | {"AGROBRIDGE_TEST_TAG": options.tag}, check=False).returncode


def parse(argv):
    parser = argparse.ArgumentParser(prog="scripts/image", description=(
        "Builds the container images agrobridge-app and agrobridge-nginx; says their sizes and digests. With docker"
        " where its engine runs, else with podman, installed if it is missing. The log is log/image.log of var/, or of"
        " $AGROBRIDGE_VAR."))
    parser.add_argument("what", nargs="?", choices=("build", "test"), default="build",
                        help="build, or build and run them as a task against PostgreSQL and Redis over TLS (root)")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="of test: only these, CLASS or CLASS.TEST")
    parser.add_argument("--base", choices=("bookworm", "trixie"), default="bookworm",
                        help="the Debian to build on (default: bookworm)")
    parser.add_argument("--rds-ca", metavar="FILE", type=Path, help="becomes /etc/ssl/certs/rds-ca.pem of the app")
    parser.add_argument("--tag", default="latest", help="of both images (default: latest)")
    parser.add_argument("--no-cache", action="store_true",
                        help="with the packages of today; else with those of the last build")
    return parser.parse_intermixed_args(argv)


def main(argv):
    options = parse(argv)
    try:
        return {"build": build, "test": test}[options.what](options)
    except (Failure, OSError, subprocess.SubprocessError, KeyboardInterrupt) as failure:
        print(f"scripts/image: {str(failure) or 'interrupted'}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
