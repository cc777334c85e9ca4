"""scripts/deploy: releases images to the stack of container/aws, through the `aws` command line.

A release: checks; the schema, by the new image; the stack's new images, upon which ECS starts green and pauses as soon
as the test listener leads there; tests of green; the clients; the bake. All state is in AWS, so that whoever is
interrupted runs the same command again. The parts stand in deploy_*.py.
"""

import argparse
import shlex
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from deploy_aws import Aws, check_aws, need_aws
from deploy_checks import CHECKS, IN_AN_EMERGENCY, MOST_CPU, refused
from deploy_images import IMAGE, same, short, short_pair
from deploy_say import RED, YELLOW, colour, say, without_password
from deploy_state import RUNNING, TEMPLATE
from deploy_steps import Deployer, template_words
from service import SOURCE, Failure

# What --dry-run prints, in the order of a command's first calls; waiting repeats some of them.
LOOK = ("stack", "exports", "service", "revisions", "rules", "deployments")
FOLLOW = ("stack", "deployments", "deployment", "revisions", "rules", "listener", "continue CONTINUE", "service")
CHECK = ("image", "targets", "listener", "cpu", "template")
DRY_RUN = {
    "status": (*LOOK, "targets", "cpu"),
    "plan": (*LOOK, *CHECK),
    "release": (*LOOK, *CHECK, "update MigrateImage", "stack", "tasks", "run", "task", "log", "update AppImage",
                *FOLLOW),
    "rollback": (*LOOK, "deployments", "deployment", "revisions", "image", "listener", "update AppImage", *FOLLOW),
}


def wanted_images(options, deployer):
    return {"app": options.image, "nginx": options.nginx or deployer.parameters["NginxImage"]}


def applying(options, names):
    """Checks that apply."""
    needless = {"cpu": options.force, "template": not options.template}
    return [name for name in names if not needless.get(name)]


def compare_templates(deployer):
    """A release leaves the stack's template as it is, unless it is told which one to send."""
    if not deployer.template and not deployer.has_template(TEMPLATE):
        file = TEMPLATE.relative_to(SOURCE)
        print(colour(YELLOW, "  !!  the stack's template is not this checkout's, and stays;"
                             f" to send that too: --template {file}"), flush=True)


def status(deployer, options):
    deployer.look()
    print(f"stack    {deployer.stack_name}: {deployer.status}")
    for name, image in deployer.revision["images"].items():
        print(f"{name:<8} {image}")
    print(f"service  {deployer.tasks}")
    print(f"clients  {deployer.clients_see()}", flush=True)
    if deployer.deployment:
        print(f"release  {deployer.stage()}{deployer.progress()}")
    return int(refused(deployer, ("weights", "health", "cpu"), {}))


def plan(deployer, options):
    deployer.look()
    wanted = wanted_images(options, deployer) if options.image else {}
    failed = refused(deployer, applying(options, CHECKS), wanted)
    compare_templates(deployer)
    if wanted:
        print(f"release: migrate by {short(wanted['app'])}; then")
        for name, image in deployer.images().items():
            print(f"  {short(image)} -> {short(wanted[name])}" if image != wanted[name] else f"  {short(image)} stays")
    return int(failed)


def release(deployer, options):
    deployer.look()
    wanted = wanted_images(options, deployer)
    if deployer.busy() and deployer.goes_back():
        raise Failure(f"stack {deployer.stack_name} is {deployer.status}", hint="scripts/deploy rollback follows it")
    if (deployer.busy() and deployer.images() == wanted
            or deployer.deployment and same(deployer.green()["images"], wanted)):
        say("this release is under way: following it")
        return deployer.judge(wanted, deployer.follow(wanted))
    if deployer.busy() and not deployer.deployment and deployer.parameters["MigrateImage"] == wanted["app"]:
        say("this release is under way: waiting for the stack")
        deployer.wait_for_stack()
    if (not deployer.busy() and not deployer.deployment and deployer.runs(wanted) and not deployer.changes_role()
            and (not deployer.template or deployer.has_template(deployer.template))):
        say(f"the service runs {short(wanted['app'])} already")
        return deployer.done(wanted)
    say(f"clients: {deployer.clients_see()}")
    failed = refused(deployer, applying(options, CHECKS), wanted)
    compare_templates(deployer)
    if failed:
        raise Failure("refused: nothing was changed")
    deployer.migrate(wanted["app"])
    return deployer.release(wanted)


def rollback(deployer, options):
    deployer.look()
    if deployer.status.endswith("_CLEANUP_IN_PROGRESS"):
        deployer.wait_for_stack()
    if deployer.deployment or deployer.busy():
        return end_what_runs(deployer)
    now, schema = deployer.revision["images"], deployer.parameters["MigrateImage"]
    before, gone_back = deployer.before()
    wanted = before[-1] if before else {"app": "IMAGE@sha256:...", "nginx": "IMAGE@sha256:..."}
    further = f"scripts/deploy release {wanted['app']} --nginx {wanted['nginx']}"
    if gone_back or deployer.goes_back() or not same(now, {"app": schema}):
        raise Failure(f"clients have {short_pair(now)}: what came after it is taken back already, or never came",
                      hint=f"the schema is that of {short(schema)}, which keeps one release before it working. To go"
                           f" further back all the same:\n{further}")
    if not before:
        raise Failure(f"clients have {short_pair(now)}, and ECS remembers no release before it", hint=further)
    say(f"back to {short_pair(wanted)}; the schema stays: it keeps the release before it working")
    if refused(deployer, applying(options, IN_AN_EMERGENCY), wanted):
        raise Failure("refused: nothing was changed")
    return deployer.release(wanted)


def end_what_runs(deployer):
    """What leads back already is followed; everything else is ended."""
    coming = deployer.green()["images"] if deployer.deployment else deployer.images()
    if not deployer.goes_back() and any(same(images, coming) for images in deployer.before()[0]):
        say(f"on the way back to {short_pair(coming)} already: following it")
        return deployer.judge(coming, deployer.follow(coming))
    if deployer.goes_back():
        say(f"stack {deployer.stack_name} is on the way back already: following it")
    elif deployer.deployment:
        say("a deployment runs: ECS goes back to blue")
        deployer.stop()
    else:
        say("the stack is being updated: it goes back")
        deployer.aws("cancel", stack=deployer.stack_name)
    deployer.follow({})
    deployer.read_service()
    deployer.read_rules()
    say(f"clients have {short_pair(deployer.revision['images'])}; stack {deployer.status}")
    return int(refused(deployer, ("rests", "weights"), {}))


COMMANDS = {"plan": plan, "release": release, "rollback": rollback, "status": status}


def dry_run(options):
    known = Blanks(IMAGE.fullmatch(options.image).groupdict() if options.image else {}, stack=options.stack,
                   statuses=RUNNING)
    needless = {"image": not options.image and options.what != "rollback", "cpu": options.force,
                "template": options.template}
    for name in DRY_RUN[options.what]:
        name, _, detail = name.partition(" ")
        if needless.get(name):
            continue
        known.update(parameters=f"<{detail} new, all others as they are>", action=detail,
                     template=template_words(options.template if detail == "AppImage" else None))
        print(shlex.join(Aws(options.region).words(name, known)))
    return 0


class Blanks(dict):
    def __missing__(self, key):
        return f"<{key}>"


class Interrupted(Exception):
    def __init__(self, number, _):
        super().__init__()
        self.number = number


def interrupt(number, frame):
    raise Interrupted(number, frame)


def image(text):
    if not IMAGE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text} is not ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:DIGEST")
    return text


def file(text):
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a file")
    return text


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/deploy", usage="scripts/deploy [--dry-run] [OPTION...] plan | release | rollback | status",
        description=(
            "Releases images to the stack of container/aws: checks, schema, green, tests of green, clients, bake. May"
            f" be interrupted and run again. Needs the aws command line, {need_aws()}, with the rights to do it."),
        epilog="Exit status: 0 done (plan: a release may start; status: all is well), 1 not, 2 wrong usage.")
    parser.add_argument("what", choices=COMMANDS, metavar="plan | release | rollback | status", help=(
        "plan: only check; rollback: end the deployment that runs, else release what was before"))
    parser.add_argument("image", nargs="?", type=image, metavar="IMAGE@DIGEST", help="the new app, of plan and release")
    parser.add_argument("--nginx", type=image, metavar="IMAGE@DIGEST", help="the new nginx; else it stays")
    parser.add_argument("--revision", metavar="REVISION", help="what green must say it is built from")
    parser.add_argument("--template", type=file, metavar="FILE", help=(
        "the service's template, sent with the images; else the stack's own stays"))
    parser.add_argument("--role", choices=("a", "b"), help="PostgreSQL's role of the release; else it stays")
    parser.add_argument("--force", action="store_true", help=f"release though the CPU is not below {MOST_CPU} %%")
    parser.add_argument("--dry-run", action="store_true", help="print each call of aws, make none")
    parser.add_argument("--stack", default="agrobridge-service", metavar="NAME", help="of the service (%(default)s)")
    parser.add_argument("--region", metavar="REGION", help="else that of the aws configuration")
    parser.add_argument("--interval", type=float, default=10, metavar="SECONDS", help="between two looks (%(default)s)")
    options = parser.parse_args(argv)
    if options.what == "release" and not options.image:
        parser.error("release: which image?")
    if options.what in ("rollback", "status") and (options.image or options.nginx or options.revision
                                                    or options.role):
        parser.error(f"{options.what} takes no image, revision or role")
    if options.what == "status" and options.template:
        parser.error("status takes no template")
    return options


def main(argv):
    options = parse(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        if options.dry_run:
            return dry_run(options)
        check_aws()
        return COMMANDS[options.what](Deployer(options), options)
    except Interrupted as interrupted:
        print("scripts/deploy: interrupted; AWS goes on by itself, a paused deployment goes back when its time is"
              " over.\nmend: run the same command again, it follows"
              f"{'; or scripts/deploy rollback' if options.what == 'release' else ''}", file=sys.stderr)
        return 128 + interrupted.number
    except (Failure, OSError, ValueError, KeyError, IndexError) as failure:
        print(colour(RED, f"scripts/deploy: {without_password(failure)}", sys.stderr), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
