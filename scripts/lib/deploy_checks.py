"""What must be so before anything is changed. Each check returns nothing, or why not."""

from datetime import datetime, timedelta, timezone

from deploy_green import get
from deploy_images import IMAGE, short
from deploy_say import GREEN, RED, colour, without_password
from service import Failure

MOST_CPU = 50  # percent: while both colours run, scaling sees half of the truth
CPU_MINUTES = 5


def check_rests(state, _):
    if state.deployment:
        return (f"a deployment of {short(state.green()['images']['app'])} is {state.deployment['status']}:"
                " wait, or scripts/deploy rollback")
    if not state.status.endswith("_COMPLETE"):
        return f"stack {state.stack_name} is {state.status}"
    if not state.runs(state.images()):
        return (f"the stack says {short(state.parameters['AppImage'])}, but the service runs"
                f" {short(state.revision['images']['app'])}: somebody else changed it; release what it runs first")


def check_images(state, wanted):
    for name, image in wanted.items():
        parts, arn = IMAGE.fullmatch(image), state.app_images if name == "app" else state.nginx_images
        region, account, repository = arn.split(":", 5)[3:6]
        repository = repository.partition("/")[2]
        if parts.group("region", "account", "repository") != (region, account, repository):
            return f"{short(image)} is not in {repository} of {account} in {region}, from where the tasks start"
        try:
            state.aws("image", account=account, repository=repository, digest=parts["digest"])
        except Failure as failure:
            return f"{short(image)}: {failure}"


def check_template(state, _):
    """Of its parameters a release says some, the stack knows others, and the rest need a default."""
    has_default = state.template_parameters()
    lacks = sorted({"Name", "AppImage", "NginxImage", "MigrateImage"} - has_default.keys())
    if lacks:
        return f"{state.template} has no parameter {', '.join(lacks)}: is it the service's?"
    new = sorted(key for key in has_default.keys() - state.parameters.keys() if not has_default[key])
    if new:
        return f"{state.template}: {', '.join(new)} is a new parameter without a default"


def check_weights(state, _):
    serving = [group for group, weight in state.production.items() if weight]
    if sorted(state.production.values()) != [0, 100]:
        return f"{sorted(state.production.values())}: an update of the edge stack may have set them back"
    if serving != [state.revision["group"]]:
        return "100 leads to the colour that ECS does not run: set the rule's weights right by hand"


def check_health(state, _):
    serving = max(state.production, key=state.production.get)
    targets = state.aws("targets", target_group=serving)["TargetHealthDescriptions"]
    states = [t["TargetHealth"]["State"] for t in targets]
    states = [each for each in states if each != "draining"]  # scaled in
    if not states or set(states) != {"healthy"}:
        return f"{states.count('healthy')} of {len(states)}: {', '.join(sorted(set(states))) or 'there is none'}"


def check_test_listener(state, _):
    """Any answer will do, but from here: otherwise the tests of green could but fail."""
    try:
        get(*state.test_address(), "/livez")
    except OSError as why:
        return f"{why}: TesterCidr of the network stack must have this machine's address"


def check_cpu(state, _):
    end = datetime.now(timezone.utc)
    points = state.aws("cpu", **state.where, start=f"{end - timedelta(minutes=CPU_MINUTES):%Y-%m-%dT%H:%M:%SZ}",
                       end=f"{end:%Y-%m-%dT%H:%M:%SZ}")["Datapoints"]
    most = max((p["Average"] for p in points), default=None)
    if most is None:
        return f"CloudWatch has none of the last {CPU_MINUTES} minutes; --force releases all the same"
    if most >= MOST_CPU:
        return f"{most:.0f} %: both colours would hide it from the scaling; wait, or --force"


CHECKS = {
    "rests": ("stack and service rest", check_rests),
    "images": ("the images are there", check_images),
    "template": ("the template can be used", check_template),
    "weights": ("production weights 100 and 0, where they should be", check_weights),
    "health": ("every target is healthy", check_health),
    "listener": ("the test listener answers from here", check_test_listener),
    "cpu": (f"CPU of the last {CPU_MINUTES} minutes below {MOST_CPU} %", check_cpu),
}
IN_AN_EMERGENCY = ("rests", "images", "template", "weights", "listener")


def refused(state, checks, wanted):
    """Says how each check went; whether one failed."""
    failed = False
    for name in checks:
        what, check = CHECKS[name]
        try:
            why = check(state, wanted)
        except Failure as failure:
            why = failure
        mark = colour(RED, "NO") if why else colour(GREEN, "ok")
        print(f"  {mark}  {what}{': ' + without_password(why) if why else ''}", flush=True)
        failed |= bool(why)
    return failed
