"""scripts/deploy: releases images to the stack of container/aws, through the `aws` command line.

A release: checks; the schema, by the new image; the stack's new images, upon which ECS starts green and pauses as soon
as the test listener leads there; tests of green; the clients; the bake. All state is in AWS, so that whoever is
interrupted runs the same command again.
"""

import argparse
import http.client
import json
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlparse

sys.path.insert(0, str(Path(__file__).resolve().parent))

from service import Failure

LEAST_AWS = {1: (1, 45, 10), 2: (2, 34, 49)}  # the first that know continue-service-deployment: May 2026
IMAGE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
                   r"(?P<repository>[^@:]+)@(?P<digest>sha256:[0-9a-f]{64})")
MOST_CPU = 50  # percent: while both colours run, scaling sees half of the truth
CPU_MINUTES = 5
ROUNDS = 5  # of the tests of green, a connection each: the load balancer draws a task for each
LOG_LINES = 20

# path, and what a good green answers: status, type, one field of the body
PROBES = (
    ("/livez", 200, "application/json", ("status", "alive")),
    ("/readyz", 200, "application/json", ("status", "ready")),
    ("/t/0000000000", 404, "application/problem+json", ("code", "not_found")),  # PostgreSQL says so
    ("/status", 404, "application/problem+json", ("code", "not_found")),  # for operators alone
)

# Every call there is. {names} are filled in later; in --dry-run what only AWS knows stays <name>.
CALLS = {
    "stack": "cloudformation describe-stacks --stack-name {stack}",
    "exports": "cloudformation list-exports",
    "update": "cloudformation update-stack --stack-name {stack} --use-previous-template --capabilities CAPABILITY_IAM"
              " --parameters {parameters}",
    "cancel": "cloudformation cancel-update-stack --stack-name {stack}",
    "image": "ecr describe-images --registry-id {account} --repository-name {repository}"
             " --image-ids imageDigest={digest}",
    "rules": "elbv2 describe-rules --rule-arns {production_rule} {test_rule}",
    "listener": "elbv2 describe-listeners --listener-arns {test_listener}",
    "targets": "elbv2 describe-target-health --target-group-arn {target_group}",
    "cpu": "cloudwatch get-metric-statistics --namespace AWS/ECS --metric-name CPUUtilization --statistics Average"
           " --period 60 --dimensions Name=ClusterName,Value={cluster} Name=ServiceName,Value={service}"
           " --start-time {start} --end-time {end}",
    "service": "ecs describe-services --cluster {cluster} --services {service}",
    "revisions": "ecs describe-service-revisions --service-revision-arns {revisions}",
    "deployments": "ecs list-service-deployments --cluster {cluster} --service {service} --status {statuses}",
    "deployment": "ecs describe-service-deployments --service-deployment-arns {deployment}",
    "continue": "ecs continue-service-deployment --service-deployment-arn {deployment} --hook-id {hook}"
                " --action {action}",
    "stop": "ecs stop-service-deployment --service-deployment-arn {deployment} --stop-type ROLLBACK",
    "tasks": "ecs list-tasks --cluster {cluster} --started-by {mark}",
    "run": "ecs run-task --cluster {cluster} --task-definition {definition} --launch-type FARGATE --started-by {mark}"
           " --network-configuration {network}",
    "task": "ecs describe-tasks --cluster {cluster} --tasks {task}",
    "log": f"logs get-log-events --log-group-name {{log_group}} --log-stream-name migrate/migrate/{{id}}"
           f" --limit {LOG_LINES}",
}
RUNNING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")

# What --dry-run prints, in the order of a command's first calls; waiting repeats some of them.
LOOK = ("stack", "exports", "service", "revisions", "rules", "deployments")
FOLLOW = ("stack", "deployments", "deployment", "revisions", "rules", "listener", "continue CONTINUE", "service")
CHECK = ("image", "targets", "listener", "cpu")
DRY_RUN = {
    "status": (*LOOK, "targets", "cpu"),
    "plan": (*LOOK, *CHECK),
    "release": (*LOOK, *CHECK, "update MigrateImage", "stack", "tasks", "run", "task", "log", "update AppImage",
                *FOLLOW),
    "rollback": (*LOOK, "deployments", "revisions", "image", "listener", "update AppImage", *FOLLOW),
}


def say(text):
    """With the time, and without the password of any URL: what it prints may come from others."""
    print(f"{datetime.now():%H:%M:%S}  {without_password(text)}", flush=True)


def without_password(text):
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", str(text))


class Blanks(dict):
    def __missing__(self, key):
        return f"<{key}>"


class Aws:
    def __init__(self, region):
        self.last = ["--output", "json", *(["--region", region] if region else [])]

    def words(self, name, values):
        filled = []
        for word in CALLS[name].split():
            value = values[word[1:-1]] if re.fullmatch(r"\{\w+\}", word) else word.format_map(values)
            filled += value if isinstance(value, (list, tuple)) else [value]
        return ["aws", *filled, *self.last]

    def __call__(self, name, **values):
        words = self.words(name, values)
        done = run_aws(*words[1:])
        if done.returncode:
            raise Failure(without_password(f"aws {words[1]} {words[2]}: {done.stderr.strip() or 'failed'}"))
        return json.loads(done.stdout or "{}")


def run_aws(*words):
    env = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "8", **os.environ, "AWS_PAGER": ""}
    try:
        return subprocess.run(["aws", *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
    except FileNotFoundError:
        raise Failure("the aws command line is missing", hint=f"install version {need_aws()}") from None


def need_aws():
    return " or ".join(".".join(map(str, least)) for least in LEAST_AWS.values()) + " or later"


def check_aws():
    done = run_aws("--version")
    version = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", done.stdout + done.stderr)
    version = tuple(map(int, version.groups())) if version else (0,)
    if version < LEAST_AWS.get(version[0], (3,)):
        raise Failure(f"aws is version {'.'.join(map(str, version))}, which cannot continue a paused deployment",
                      hint=f"install version {need_aws()}")


def digest_of(image):
    return image.partition("@")[2]


def has(revision, wanted):
    """Whether a revision has these images: {container: image}."""
    return all(digest_of(revision["images"].get(name, "")) == digest_of(image) for name, image in wanted.items())


def short(image):
    name, _, digest = image.partition("@")
    return f"{name.rpartition('/')[2]}@{digest[:19]}"


# --- what AWS has ----------------------------------------------------------------------------------------------------

class Deployer:
    def __init__(self, options):
        self.aws, self.stack_name, self.interval = Aws(options.region), options.stack, options.interval
        self.answered = set()  # hooks, and deployments told to roll back; AWS may still show them as they were

    def look(self):
        """Everything the checks judge."""
        self.read_stack()
        name = self.parameters["Name"]
        exports = {e["Name"]: e["Value"] for e in self.aws("exports")["Exports"]}
        try:
            self.url, self.app_images, self.nginx_images, self.subnets, self.group, self.log_group = (
                exports[f"{name}-{what}"] for what in
                ("url", "app-images", "nginx-images", "private-subnets", "task-group", "task-logs"))
            self.rules = {f"{which}_rule": exports[f"{name}-{which}-rule"] for which in ("production", "test")}
            self.where = {"cluster": self.outputs["Cluster"], "service": self.outputs["Service"]}
        except KeyError as missing:
            raise Failure(f"there is no {missing}: is {self.stack_name} the service's stack, and this its region?",
                          hint="--stack NAME, --region REGION") from None
        self.read_service()
        self.read_rules()
        self.deployment = self.running_deployment()

    def read_stack(self):
        stack = self.aws("stack", stack=self.stack_name)["Stacks"][0]
        self.status = stack["StackStatus"]
        self.parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", ())}
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}

    def busy(self):
        return self.status.endswith("_IN_PROGRESS")

    def read_service(self):
        """While no deployment runs, the service has one revision."""
        service = self.aws("service", **self.where)["services"][0]
        self.tasks = f"{service['runningCount']} of {service['desiredCount']} tasks"
        self.revision = self.read_revisions([service["currentServiceRevisions"][-1]["arn"]])[0]

    def read_revisions(self, arns):
        """Of each: image digests by container, and the target group that ECS gave it."""
        found = []
        for r in self.aws("revisions", revisions=arns)["serviceRevisions"]:
            resolved = r.get("resolvedConfiguration", {}).get("loadBalancers", ())
            images = {c["containerName"]: f"{c['image'].partition('@')[0]}@"
                      f"{digest_of(c['image']) or c.get('imageDigest')}" for c in r["containerImages"]}
            groups = {b.get("productionListenerRule"): b["targetGroupArn"] for b in resolved}
            found.append({"arn": r["serviceRevisionArn"], "images": images,
                          "group": groups.get(self.rules["production_rule"])})
        order = {arn: place for place, arn in enumerate(arns)}
        return sorted(found, key=lambda r: order[r["arn"]])

    def read_rules(self):
        """Weights by target group of the production rule and of the test rule."""
        rules = {r["RuleArn"]: r for r in self.aws("rules", **self.rules)["Rules"]}
        self.production, self.test = (
            {g["TargetGroupArn"]: g.get("Weight", 1) for action in rules[arn]["Actions"]
             for g in action.get("ForwardConfig", {}).get("TargetGroups", ())} for arn in self.rules.values())

    def running_deployment(self):
        found = self.aws("deployments", **self.where, statuses=RUNNING)["serviceDeployments"]
        return self.read_deployment(found[0]["serviceDeploymentArn"]) if found else None

    def read_deployment(self, arn):
        return self.aws("deployment", deployment=arn)["serviceDeployments"][0]

    def green(self):
        return self.read_revisions([self.deployment["targetServiceRevision"]["arn"]])[0]

    def runs(self, wanted):
        return has(self.revision, wanted)

    def test_address(self):
        """(host, port) of the test listener. A rule's ARN is its listener's with one part more."""
        arn = self.rules["test_rule"].replace(":listener-rule/", ":listener/").rpartition("/")[0]
        listener = self.aws("listener", test_listener=arn)["Listeners"][0]
        if listener["Protocol"] != "HTTPS":
            raise Failure(f"the test listener speaks {listener['Protocol']}, not HTTPS")
        return urlparse(self.url).hostname, listener["Port"]

    # --- checks: each returns nothing or why not ---

    def check_rests(self, _):
        if self.deployment:
            return (f"a deployment of {short(self.green()['images']['app'])} is {self.deployment['status']}:"
                    " wait, or scripts/deploy rollback")
        if not self.status.endswith("_COMPLETE"):
            return f"stack {self.stack_name} is {self.status}"
        if not self.runs({"app": self.parameters["AppImage"], "nginx": self.parameters["NginxImage"]}):
            return (f"the stack says {short(self.parameters['AppImage'])}, but the service runs"
                    f" {short(self.revision['images']['app'])}: somebody else changed it; release what it runs first")

    def check_images(self, wanted):
        for name, image in wanted.items():
            parts, arn = IMAGE.fullmatch(image), self.app_images if name == "app" else self.nginx_images
            region, account, repository = arn.split(":", 5)[3:6]
            repository = repository.partition("/")[2]
            if parts.group("region", "account", "repository") != (region, account, repository):
                return f"{short(image)} is not in {repository} of {account} in {region}, from where the tasks start"
            try:
                self.aws("image", account=account, repository=repository, digest=parts["digest"])
            except Failure as failure:
                return f"{short(image)}: {failure}"

    def check_weights(self, _):
        serving = [group for group, weight in self.production.items() if weight]
        if sorted(self.production.values()) != [0, 100]:
            return f"{sorted(self.production.values())}: an update of the edge stack may have set them back"
        if serving != [self.revision["group"]]:
            return "100 leads to the colour that ECS does not run: set the rule's weights right by hand"

    def check_health(self, _):
        serving = max(self.production, key=self.production.get)
        targets = self.aws("targets", target_group=serving)["TargetHealthDescriptions"]
        states = [t["TargetHealth"]["State"] for t in targets]
        states = [state for state in states if state != "draining"]  # scaled in
        if not states or set(states) != {"healthy"}:
            return f"{states.count('healthy')} of {len(states)}: {', '.join(sorted(set(states))) or 'there is none'}"

    def check_test_listener(self, _):
        """Any answer will do, but from here: otherwise the tests of green could but fail."""
        try:
            get(*self.test_address(), "/livez")
        except (OSError, http.client.HTTPException) as why:
            return f"{why}: TesterCidr of the network stack must have this machine's address"

    def check_cpu(self, _):
        end = datetime.now(timezone.utc)
        points = self.aws("cpu", **self.where, start=f"{end - timedelta(minutes=CPU_MINUTES):%Y-%m-%dT%H:%M:%SZ}",
                          end=f"{end:%Y-%m-%dT%H:%M:%SZ}")["Datapoints"]
        most = max((p["Average"] for p in points), default=None)
        if most is None:
            return f"CloudWatch has none of the last {CPU_MINUTES} minutes; --force releases all the same"
        if most >= MOST_CPU:
            return f"{most:.0f} %: both colours would hide it from the scaling; wait, or --force"

    def refused(self, checks, wanted):
        """Says how each check went; whether one failed."""
        failed = False
        for name in checks:
            what, check = CHECKS[name]
            why = check(self, wanted)
            print(f"  {'NO' if why else 'ok'}  {what}{': ' + without_password(why) if why else ''}", flush=True)
            failed |= bool(why)
        return failed

    # --- steps ---

    def update(self, **changed):
        """Whether there was anything to update: of an interrupted release there may be nothing left."""
        parameters = [{"ParameterKey": key, **({"ParameterValue": changed[key]} if key in changed else
                                               {"UsePreviousValue": True})} for key in self.parameters]
        say("stack: " + ", ".join(f"{key} {short(image)}" for key, image in changed.items()))
        try:
            self.aws("update", stack=self.stack_name, parameters=json.dumps(parameters))
        except Failure as failure:
            if "No updates are to be performed" not in str(failure):
                raise
            return False
        return True

    def wait_for_stack(self):
        self.read_stack()
        while self.busy():
            time.sleep(self.interval)
            self.read_stack()

    def migrate(self, image):
        """The schema, by the new image: green prepares its statements on it. `migrate` may run twice."""
        if self.update(MigrateImage=image):
            self.wait_for_stack()
            if self.status != "UPDATE_COMPLETE":
                raise Failure(f"stack {self.stack_name} is {self.status}",
                              hint="its events say why; clients see no change")
        cluster, mark = self.where["cluster"], "deploy-" + digest_of(image)[7:19]
        found = self.aws("tasks", cluster=cluster, mark=mark)["taskArns"]
        if not found:
            network = {"awsvpcConfiguration": {"subnets": self.subnets.split(","), "securityGroups": [self.group],
                                               "assignPublicIp": "DISABLED"}}
            answer = self.aws("run", cluster=cluster, definition=self.outputs["MigrateTask"], mark=mark,
                              network=json.dumps(network))
            if answer.get("failures"):
                raise Failure(f"migrate did not start: {answer['failures'][0].get('reason')}")
            found = [t["taskArn"] for t in answer["tasks"]]
        said = None
        while True:
            task = self.aws("task", cluster=cluster, task=found[0])["tasks"][0]
            if task["lastStatus"] != said:
                said = task["lastStatus"]
                say(f"migrate: {said}")
            if said == "STOPPED":
                break
            time.sleep(self.interval)
        try:
            for event in self.aws("log", log_group=self.log_group, id=found[0].rpartition("/")[2])["events"]:
                say(f"    {event['message']}")
        except Failure as failure:
            say(f"    no log: {failure}")
        status = task["containers"][0].get("exitCode")
        if status != 0:
            raise Failure(f"migrate ended with {status}: {task.get('stoppedReason', '')}",
                          hint="clients see no change: the service was not touched. Mend it and release again")
        say("migrate: exit status 0")

    def follow(self, wanted):
        """Until stack and service rest. Tests what waits behind the test listener, and lets ECS go on, or back. Returns
        the deployment."""
        last, said, stages = None, None, {}
        while True:
            self.read_stack()
            self.deployment = self.running_deployment()
            if self.deployment:
                last = self.deployment["serviceDeploymentArn"]
                line = self.progress(stages)
                if line != said:
                    said = line
                    say(line)
                self.answer_hooks(wanted)
            elif not self.busy():
                return last and self.read_deployment(last)
            time.sleep(self.interval)

    def progress(self, stages):
        d, stage = self.deployment, self.deployment.get("lifecycleStage", "")
        minutes = int((time.monotonic() - stages.setdefault(stage, time.monotonic())) / 60)
        bake = d.get("deploymentConfiguration", {}).get("bakeTimeInMinutes")
        green = d.get("targetServiceRevision", {})
        return (f"{d['status']} {stage} {minutes}{f' of {bake}' if stage == 'BAKE_TIME' else ''} min, green"
                f" {green.get('runningTaskCount', 0)} of {green.get('requestedTaskCount', 0)} tasks, clients"
                f" {green.get('requestedProductionTrafficWeight', 0):.0f} %")

    def answer_hooks(self, wanted):
        d = self.deployment
        if d["status"] != "IN_PROGRESS" or d["serviceDeploymentArn"] in self.answered:
            return
        for hook in d.get("lifecycleHookDetails", ()):
            if hook["status"] == "AWAITING_ACTION" and hook["hookId"] not in self.answered:
                self.answered.add(hook["hookId"])
                faults = self.faults_of_green(wanted)
                for fault in faults:
                    say(f"green: {fault}")
                say(f"green: {'bad: ECS goes back to blue, no client saw it' if faults else 'good: continue'}")
                self.aws("continue", deployment=d["serviceDeploymentArn"], hook=hook["hookId"],
                         action="ROLLBACK" if faults else "CONTINUE")

    def faults_of_green(self, wanted):
        """First that it is green which is tested, then the tests."""
        green = self.green()
        self.read_rules()
        leads = [group for group, weight in self.test.items() if weight]
        if leads != [green["group"]] or self.production.get(green["group"]):
            return ["the test listener does not lead to green alone"]
        if "ROLLBACK" not in self.status and not (wanted and has(green, wanted)):
            return [f"it is {short(green['images']['app'])}, which nobody releases now"]
        return sorted(set(test_green(*self.test_address())))

    def stop(self):
        d = self.deployment
        if d["status"] in ("PENDING", "IN_PROGRESS"):
            hooks = [h["hookId"] for h in d.get("lifecycleHookDetails", ()) if h["status"] == "AWAITING_ACTION"]
            if hooks:
                self.aws("continue", deployment=d["serviceDeploymentArn"], hook=hooks[0], action="ROLLBACK")
            else:
                self.aws("stop", deployment=d["serviceDeploymentArn"])
        self.answered.add(d["serviceDeploymentArn"])

    def previous(self):
        """The images of the last release whose program was another than today's."""
        history = self.aws("deployments", **self.where, statuses=["SUCCESSFUL"])["serviceDeployments"]
        arns = [d["targetServiceRevisionArn"] for d in sorted(history, key=lambda d: d["createdAt"], reverse=True)]
        for revision in self.read_revisions(arns[:20]) if arns else ():
            if digest_of(revision["images"]["app"]) != digest_of(self.revision["images"]["app"]):
                return {name: revision["images"][name] for name in ("app", "nginx")}
        raise Failure("ECS remembers no release before this one", hint="scripts/deploy release IMAGE@sha256:...")

    def judge(self, wanted, deployment):
        """After follow(): 0 when the clients have `wanted`."""
        self.read_service()
        self.read_rules()
        if self.status.endswith("_COMPLETE") and "ROLLBACK" not in self.status and self.runs(wanted):
            why = self.check_weights(wanted)
            if not why:
                say(f"done: {short(wanted['app'])}, {self.tasks}")
                return 0
            raise Failure(f"the weights of the production rule: {why}")
        d = deployment or {}
        reasons = [f"stack {self.status}", d.get("status"), d.get("statusReason"), d.get("rollback", {}).get("reason"),
                   *d.get("alarms", {}).get("triggeredAlarmNames", ())]
        raise Failure(f"not released: {', '.join(filter(None, reasons))}", hint=(
            f"aws cloudformation continue-update-rollback --stack-name {self.stack_name}"
            if self.status == "UPDATE_ROLLBACK_FAILED" else
            f"clients have {short(self.revision['images']['app'])} again; mend it and release again"
            if not self.runs(wanted) else "scripts/deploy status, scripts/deploy rollback"))


CHECKS = {
    "rests": ("stack and service rest", Deployer.check_rests),
    "images": ("the images are there", Deployer.check_images),
    "weights": ("production weights 100 and 0, where they should be", Deployer.check_weights),
    "health": ("every target is healthy", Deployer.check_health),
    "listener": ("the test listener answers from here", Deployer.check_test_listener),
    "cpu": (f"CPU of the last {CPU_MINUTES} minutes below {MOST_CPU} %", Deployer.check_cpu),
}
IN_AN_EMERGENCY = ("rests", "images", "weights", "listener")


# --- green, from outside ---------------------------------------------------------------------------------------------

def get(host, port, path):
    """(status, type, body) over a verified TLS connection of its own."""
    connection = http.client.HTTPSConnection(host, port, timeout=10, context=ssl.create_default_context())
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def test_green(host, port):
    for path, *expected, (key, value) in PROBES * ROUNDS:
        try:
            status, kind, body = get(host, port, path)
        except (OSError, http.client.HTTPException) as why:
            yield f"{path}: {why}"
            continue
        try:
            found = json.loads(body).get(key)
        except (ValueError, AttributeError):
            found = None
        if [status, kind, found] != [*expected, value]:
            yield f"{path}: {status} {kind} {key} {found}, not {expected[0]} {expected[1]} {key} {value}"


# --- commands --------------------------------------------------------------------------------------------------------

def wanted_images(options, deployer):
    return {"app": options.image, "nginx": options.nginx or deployer.parameters["NginxImage"]}


def status(deployer, _):
    deployer.look()
    print(f"stack    {deployer.stack_name}: {deployer.status}")
    for name, image in deployer.revision["images"].items():
        print(f"{name:<8} {image}")
    print(f"service  {deployer.tasks}")
    if deployer.deployment:
        print(f"release  {deployer.progress({})}")
    return int(deployer.refused(("weights", "health", "cpu"), {}))


def plan(deployer, options):
    deployer.look()
    wanted = wanted_images(options, deployer) if options.image else {}
    refused = deployer.refused(CHECKS, wanted)
    if wanted:
        print(f"release: migrate by {short(wanted['app'])}; then app {short(deployer.parameters['AppImage'])} ->"
              f" {short(wanted['app'])}, nginx {short(deployer.parameters['NginxImage'])} -> {short(wanted['nginx'])}")
    return int(refused)


def release(deployer, options):
    deployer.look()
    wanted, old = wanted_images(options, deployer), deployer.parameters
    if deployer.busy() and "ROLLBACK" in deployer.status:
        raise Failure(f"stack {deployer.stack_name} is {deployer.status}", hint="scripts/deploy rollback follows it")
    if (deployer.busy() and (old["AppImage"], old["NginxImage"]) == (wanted["app"], wanted["nginx"])
            or deployer.deployment and has(deployer.green(), wanted)):
        say("this release is under way: following it")
        return deployer.judge(wanted, deployer.follow(wanted))
    if deployer.busy() and not deployer.deployment and old["MigrateImage"] == wanted["app"]:
        say("this release is under way: waiting for the stack")
        deployer.wait_for_stack()
    if not deployer.busy() and not deployer.deployment and deployer.runs(wanted):
        say(f"the service runs {short(wanted['app'])} already")
        return deployer.judge(wanted, None)
    if deployer.refused([c for c in CHECKS if c != "cpu" or not options.force], wanted):
        raise Failure("refused: nothing was changed")
    deployer.migrate(wanted["app"])
    deployer.update(AppImage=wanted["app"], NginxImage=wanted["nginx"])
    return deployer.judge(wanted, deployer.follow(wanted))


def rollback(deployer, _):
    deployer.look()
    if deployer.deployment or deployer.busy():
        if deployer.deployment:
            say("a deployment runs: ECS goes back to blue")
            deployer.stop()
        elif deployer.status == "UPDATE_IN_PROGRESS":
            say("the stack is being updated: it goes back")
            deployer.aws("cancel", stack=deployer.stack_name)
        deployer.follow({})
        deployer.read_service()
        deployer.read_rules()
        say(f"clients have {short(deployer.revision['images']['app'])}; stack {deployer.status}")
        return int(deployer.refused(("rests", "weights"), {}))
    wanted = deployer.previous()
    say(f"back to {short(wanted['app'])}; the schema stays: each release's program works with the next one's")
    if deployer.refused(IN_AN_EMERGENCY, wanted):
        raise Failure("refused: nothing was changed")
    deployer.update(AppImage=wanted["app"], NginxImage=wanted["nginx"])
    return deployer.judge(wanted, deployer.follow(wanted))


COMMANDS = {"plan": plan, "release": release, "rollback": rollback, "status": status}


def dry_run(options):
    parts = IMAGE.fullmatch(options.image).groupdict() if options.image else {}
    known = Blanks(parts, stack=options.stack, statuses=RUNNING)
    for name in DRY_RUN[options.what]:
        name, _, detail = name.partition(" ")
        if name != "image" or options.image or options.what == "rollback":
            known.update(parameters=f"<{detail} new, all others as they are>", action=detail)
            print(shlex.join(Aws(options.region).words(name, known)))
    return 0


class Interrupted(Exception):
    def __init__(self, number, _):
        super().__init__()
        self.number = number


def interrupt(number, frame):
    raise Interrupted(number, frame)


def image(text):
    if not IMAGE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is not ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:DIGEST")
    return text


def parse(argv):
    parser = argparse.ArgumentParser(prog="scripts/deploy", description=(
        "Releases images to the stack of container/aws: checks, schema, green, tests of green, clients, bake. May be"
        f" interrupted and run again. Needs the aws command line, {need_aws()}, with the rights to do it."),
        epilog="Exit status: 0 done (plan: a release may start; status: all is well), 1 not, 2 wrong usage.")
    parser.add_argument("what", choices=COMMANDS, metavar="plan | release | rollback | status", help=(
        "plan: only check; rollback: end the deployment that runs, else release what was before"))
    parser.add_argument("image", nargs="?", type=image, metavar="IMAGE@DIGEST", help="the new app, of plan and release")
    parser.add_argument("--nginx", type=image, metavar="IMAGE@DIGEST", help="the new nginx; else it stays")
    parser.add_argument("--force", action="store_true", help=f"release though the CPU is not below {MOST_CPU} %%")
    parser.add_argument("--dry-run", action="store_true", help="print each call of aws, make none")
    parser.add_argument("--stack", default="agrobridge-service", metavar="NAME", help="of the service (%(default)s)")
    parser.add_argument("--region", metavar="REGION", help="else that of the aws configuration")
    parser.add_argument("--interval", type=float, default=10, metavar="SECONDS", help="between two looks (%(default)s)")
    options = parser.parse_args(argv)
    if options.what == "release" and not options.image:
        parser.error("release: which image?")
    if options.what in ("rollback", "status") and (options.image or options.nginx):
        parser.error(f"{options.what} takes no image")
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
              " over.\nmend: run the same command again, it follows; or scripts/deploy rollback", file=sys.stderr)
        return 128 + interrupted.number
    except (Failure, OSError, ValueError, KeyError, IndexError) as failure:
        print(f"scripts/deploy: {without_password(failure)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
