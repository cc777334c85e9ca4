"""scripts/rehearse: the whole production topology on this machine, and what happens to it, told by a report.

Three zones, a load balancer, tasks of nginx and the program, PostgreSQL and Redis in pairs, scaling, blue/green: the
programs are the real ones; what AWS does is done by small stand-ins (scripts/lib/rehearsal), whose time is compressed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import image
import packages
import processes
from rehearsal import cpu, net, report, series
from rehearsal.clock import Clock
from rehearsal.scenes import SCENES
from rehearsal.world import FULL, QUICK, World
from services import SOURCE, Failure
from stack import Stack, say

# Set in the sandbox; names of this prefix are not passed on to the program.
INSIDE = "AGROBRIDGE_TEST_SANDBOX"  # the program
TAG = "AGROBRIDGE_TEST_TAG"  # of the images; none: plain processes


class Records:
    """The recorder of the scene that is on; between scenes nothing is kept."""

    def __init__(self, clock):
        self.clock, self.current, self.samples = clock, None, []

    def event(self, kind, text, at=None):
        say(f"{self.clock.now() / 60:7.1f} min  {kind:<10} {text}")
        if self.current:
            self.current.event(kind, text, at)

    def sample(self, name, value, at=None):
        self.samples.append((name, value, self.clock.now() if at is None else at))
        if self.current:
            self.current.sample(name, value, at)


def colour(code, text):
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


# --- run ------------------------------------------------------------------------------------------------------------

def run(options):
    """Outside of the sandbox: packages, the program, perhaps the images; then the same command within."""
    if os.geteuid() != 0:
        raise Failure("a network of three zones and shares of processors need root", hint="sudo scripts/rehearse run")
    stack = Stack(os.environ.get("AGROBRIDGE_VAR") or SOURCE / "var")
    stack.make_directories()
    log = stack.log_dir / "rehearse.log"
    packages.install("run", "rehearse", log)
    if why := net.why_no_sandbox():
        raise Failure(f"no network of its own can be made here: {why}")
    stack.compile()
    env = os.environ | {INSIDE: str(stack.build / "agrobridge")} | ({} if options.plain else build_images())
    argv = [sys.executable, "-B", __file__, *sys.argv[1:]]
    return subprocess.run(net.sandboxed(argv), env=env, check=False).returncode


def build_images():
    """The environment that names them; empty, said why, where containers cannot be had."""
    try:
        builder = image.Builder(podman=True)
        builder.build(tag="rehearsal")
        return {TAG: "rehearsal"}
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        say(f"no containers, so plain processes: {failure}")
        return {}


def rehearse(options, binary):
    """In the sandbox."""
    plan, var = QUICK if options.quick else FULL, results()
    plan = plan._replace(gap=options.gap or plan.gap)
    tag = os.environ.pop(TAG, None)
    how = "containers of the images" if tag else "plain processes"
    way = {"images": {name: image.full_name(name, tag) for name in image.NAMES}} if tag else {"binary": binary}
    if not options.scenes:
        shutil.rmtree(var, ignore_errors=True)
    var.mkdir(parents=True, exist_ok=True)
    records, failed, begun = Records(Clock(plan.speed)), [], time.monotonic()
    cpu.sweep()
    with tempfile.TemporaryDirectory(prefix="ab-", ignore_cleanup_errors=True) as name:
        # In memory, and gone with the sandbox: a slow disk is not what is rehearsed.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "rehearsal", name], check=True)
        processes.identity().own(Path(name))
        say(f"{how}; a minute of AWS lasts {60 / plan.speed:.0f} s")
        with World(plan, Path(name), records, binary, way) as world:
            for scene in options.scenes or SCENES:
                if not play(world, scene, var / f"{scene}.jsonl", how):
                    failed.append(scene)
    page = report.write(var)
    say(f"\n{time.monotonic() - begun:.0f} s; {page}")
    say(colour(31, f"broken promises: {', '.join(failed)}") if failed else colour(32, "every promise held"))
    return 1 if failed else 0


def play(world, scene, path, how):
    """Whether all its promises held."""
    function, records, held = SCENES[scene], world.record, True
    say(colour(1, f"\n{scene}: {function.about}"))
    world.settle()
    with series.Recorder(path, world.clock, scene=scene, title=scene, about=function.about, how=how,
                         ) as recorder:
        records.current = recorder
        try:
            for what, measured, holds in function(world):
                recorder.promise(what, measured, holds)
                say(f"{colour(32, '  held  ') if holds else colour(31, '  BROKEN')} {what}: {measured}")
                held &= bool(holds)
        except Failure as failure:
            recorder.promise("the scene comes to its end", str(failure), False)
            say(f"{colour(31, '  BROKEN')} {failure}")
            held = False
        finally:
            records.current = None
    return held


def results():
    return Path(os.environ.get("AGROBRIDGE_VAR") or SOURCE / "var") / "rehearsal"


# --- the other commands ---------------------------------------------------------------------------------------------

def write_report(_options):
    if not any(results().glob("*.jsonl")):
        raise Failure(f"nothing was rehearsed yet: {results()} is empty", hint="sudo scripts/rehearse run")
    say(str(report.write(results())))
    return 0


def down(_options):
    """A sandbox takes everything with it when it ends, but for the empty control groups of one that was killed."""
    cpu.sweep()
    shutil.rmtree(results(), ignore_errors=True)
    return 0


def parse(argv):
    parser = argparse.ArgumentParser(prog="scripts/rehearse", description=(
        "The whole production topology on this machine: three zones, a load balancer, tasks, PostgreSQL and Redis in"
        " pairs; what happens to it, and a report of what was promised and what was measured."),
        epilog="Scenes:\n" + "\n".join(f"  {name:<18} {f.about}" for name, f in SCENES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True, metavar="run | report | down")
    one = commands.add_parser("run", help="play scenes, then write the report; needs root")
    one.add_argument("scenes", nargs="*", metavar="SCENE", help=f"only these of: {', '.join(SCENES)}")
    one.add_argument("--plain", action="store_true", help="processes of the program itself, without containers")
    one.add_argument("--quick", action="store_true", help="fewer tasks and switches, time more compressed (10 minutes)")
    one.add_argument("--gap", type=float, metavar="SECONDS", help=(
        f"until PostgreSQL's standby takes over, 60 to 120 by RDS' documents ({FULL.gap}; --quick: {QUICK.gap})"))
    commands.add_parser("report", help="write var/rehearsal/report.html again, of what was rehearsed")
    commands.add_parser("down", help="remove what was written down")
    options = parser.parse_args(argv)
    if unknown := set(getattr(options, "scenes", ())) - set(SCENES):
        parser.error(f"there is no scene {', '.join(sorted(unknown))}; see --help")
    return options


def main(argv):
    options = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.what == "run" and (binary := os.environ.pop(INSIDE, None)):
            return rehearse(options, binary)
        return {"run": run, "report": write_report, "down": down}[options.what](options)
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"scripts/rehearse: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
