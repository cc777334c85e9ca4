"""A small cloud for the tests of scripts/deploy: it keeps what AWS would keep, and moves one step at each look."""

import contextlib
import http.server
import json
import re
import socketserver
import ssl
import sys
from pathlib import Path

ACCOUNT, REGION = "123456789012", "eu-west-1"
ELB, ECS = (f"arn:aws:{name}:{REGION}:{ACCOUNT}" for name in ("elasticloadbalancing", "ecs"))
BLUE, GREEN = f"{ELB}:targetgroup/blue/1", f"{ELB}:targetgroup/green/2"
PRODUCTION, TEST = f"{ELB}:listener-rule/app/x/1/2/3", f"{ELB}:listener-rule/app/x/1/4/5"
PASSWORD = "s3cret-of-the-owner"


def image(letter, name="app"):
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/{name}@sha256:{letter * 64}"


OLDER, OLD, NEW = image("9"), image("a"), image("b")
NGINX, NEW_NGINX = image("c", "nginx"), image("d", "nginx")
STAGES = ("RECONCILE_SERVICE", "SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
          "BAKE_TIME", "CLEAN_UP")
BUILD = "bbbbbbbbbbbb"


def alive(revision):
    return 200, "application/json", json.dumps({"status": "alive", "version": "0.1.0", "revision": revision})


GOOD = {"/livez": alive(BUILD), "/readyz": (200, "application/json", '{"status":"ready"}')}
NOT_FOUND = (404, "application/problem+json; charset=utf-8", '{"code":"not_found"}')

# An `aws` for the PATH: hands its words over, prints what it gets.
PROGRAM = """#!{python} -IS
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect({path!r})
    s.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    status, out, err = json.load(s.makefile())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


class Refused(Exception):
    """What AWS does not do, as its command line says it."""


class Cloud:
    """One step of what is under way at each look at the stack."""

    def __init__(self, port, url, template):
        """The test listener's port on this machine, the clients' URL, the text that the stack was made of."""
        self.port, self.url, self.template, self.version = port, url, template, "aws-cli/2.34.49 Python/3.13"
        self.calls, self.hooks = [], {}
        self.parameters = {"Name": "shop", "AppImage": OLD, "NginxImage": NGINX, "MigrateImage": OLD, "CorsOrigins": "",
                           "MigrateRole": "a", "DatabaseRole": "a"}
        self.before, self.status = (dict(self.parameters), template), "UPDATE_COMPLETE"
        self.weights = {PRODUCTION: {BLUE: 100, GREEN: 0}, TEST: {BLUE: 0, GREEN: 100}}
        self.revisions, self.history, self.deployment = {}, [], None
        self.current = self.revision(OLD, NGINX, BLUE)
        self.health, self.cpu, self.protocol = ["healthy", "healthy", "draining"], [20.0, 49.0], "HTTPS"
        self.migrated, self.tasks, self.exit_status = [OLD], {}, 0
        self.alarm = self.redeploys = self.shows_before = False
        self.lag, self.stale = 0, None

    def revision(self, app, nginx, group):
        arn = f"{ECS}:service-revision/shop/shop/{len(self.revisions) + 1}"
        self.revisions[arn] = {"serviceRevisionArn": arn, "containerImages": [
            {"containerName": "app", "image": app}, {"containerName": "nginx", "image": nginx}],
            "resolvedConfiguration": {"loadBalancers": [
                {"targetGroupArn": group, "productionListenerRule": PRODUCTION}]}}
        return arn

    def group(self, revision):
        return self.revisions[revision]["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"]

    def say(self, words):
        """(exit status, output, error) of one call."""
        if words == ["--version"]:
            return 0, self.version, ""
        self.calls.append(words)
        options, name = {}, None
        for word in words[2:]:
            if word.startswith("--"):
                name = options.setdefault(word[2:].replace("-", "_"), [])
            else:
                name.append(word)
        try:
            answer = getattr(self, words[1].replace("-", "_"))(**{
                k: v[0] if len(v) == 1 else v for k, v in options.items() if k not in ("output", "region")})
        except Refused as why:
            return 254, "", f"\nAn error occurred: {why}\n"
        self.hooks.get(words[1], lambda: None)()
        return 0, json.dumps(answer or {}), ""

    # --- stack ---

    def describe_stacks(self, stack_name):
        if stack_name != "agrobridge-service":
            raise Refused(f"Stack with id {stack_name} does not exist")
        self.step()
        parameters = self.before[0] if self.shows_before and self.status.endswith("IN_PROGRESS") else self.parameters
        pairs = lambda what, key: [{f"{key}Key": k, f"{key}Value": v} for k, v in what.items()]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": pairs(parameters, "Parameter"), "Outputs": pairs(
            {"Cluster": "shop", "Service": "shop", "MigrateTask": self.parameters["MigrateImage"]}, "Output")}]}

    def list_exports(self):
        repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"
        return {"Exports": [{"Name": f"shop-{name}", "Value": value} for name, value in {
            "url": self.url, "app-images": f"{repository}/app", "nginx-images": f"{repository}/nginx",
            "private-subnets": "subnet-1,subnet-2", "task-group": "sg-1", "task-logs": "/shop/tasks",
            "production-rule": PRODUCTION, "test-rule": TEST}.items()]}

    def get_template(self, stack_name, template_stage):
        return {"TemplateBody": self.template}

    def update_stack(self, stack_name, capabilities, parameters, use_previous_template=None, template_body=None):
        if self.status.endswith("IN_PROGRESS"):
            raise Refused(f"Stack {stack_name} is in {self.status} state and can not be updated")
        assert (use_previous_template == []) != bool(template_body) and capabilities == "CAPABILITY_IAM"
        new = {p["ParameterKey"]: self.parameters[p["ParameterKey"]] if p.get("UsePreviousValue") else
               p["ParameterValue"] for p in json.loads(parameters)}
        template = self.template
        if template_body:  # which says itself what parameters it has; those not given have their defaults
            template = Path(template_body.removeprefix("file://")).read_text()
            known = set(re.findall(r"^  (\w+):$", template.partition("\nResources:")[0], re.MULTILINE)) - {"Sizes"}
            assert new.keys() <= known, "no such parameter"
            new = dict.fromkeys(known, "") | new
        else:
            assert new.keys() == self.parameters.keys()
        if (new, template) == (self.parameters, self.template):
            raise Refused("No updates are to be performed.")
        self.before, self.status, self.lag = (self.parameters, self.template), "UPDATE_IN_PROGRESS", 3
        self.parameters, self.template = new, template

    def cancel_update_stack(self, stack_name):
        self.status, (self.parameters, self.template) = "UPDATE_ROLLBACK_IN_PROGRESS", self.before

    def step(self):
        d = self.deployment
        if d and d["status"] == "IN_PROGRESS":
            if d["hook"] == "AWAITING_ACTION":
                return
            stage = STAGES.index(d["stage"]) + 1
            if stage == len(STAGES):
                self.end("SUCCESSFUL", "UPDATE_COMPLETE")
                return
            d["stage"] = STAGES[stage]
            shift = {"TEST_TRAFFIC_SHIFT": TEST, "PRODUCTION_TRAFFIC_SHIFT": PRODUCTION}.get(d["stage"])
            if shift:
                self.lead(shift, self.group(d["target"]))
            if d["stage"] == "POST_TEST_TRAFFIC_SHIFT":
                d["hook"] = "AWAITING_ACTION"
            if d["stage"] == "BAKE_TIME" and self.alarm:
                d["status"] = "ROLLBACK_IN_PROGRESS"
        elif d:
            self.lead(PRODUCTION, self.group(self.current))
            if d["status"] != "ROLLBACK_IN_PROGRESS":
                d["status"] = "ROLLBACK_IN_PROGRESS"
                return
            self.end("ROLLBACK_SUCCESSFUL", "UPDATE_ROLLBACK_IN_PROGRESS")
            self.parameters, self.template = self.before
            if self.redeploys:
                self.redeploys = False
                self.deploy(self.parameters)
        elif self.lag > 1:
            self.lag -= 1
        elif self.status == "UPDATE_IN_PROGRESS" and any(
                self.parameters[name] != self.before[0][name] for name in ("AppImage", "NginxImage")):
            assert self.parameters["AppImage"] in self.migrated, "green would not find its schema"
            self.deploy(self.parameters)
        elif self.status.endswith("IN_PROGRESS"):
            self.status = "UPDATE_ROLLBACK_COMPLETE" if "ROLLBACK" in self.status else "UPDATE_COMPLETE"

    # --- service ---

    def deploy(self, parameters):
        other = GREEN if self.group(self.current) == BLUE else BLUE
        target = self.revision(parameters["AppImage"], parameters["NginxImage"], other)
        self.deployment = {"arn": f"{ECS}:service-deployment/shop/shop/{len(self.revisions)}", "status": "IN_PROGRESS",
                           "stage": STAGES[0], "hook": "", "source": self.current, "target": target}
        self.history.append(self.deployment)

    def lead(self, rule, group):
        self.weights[rule] = {g: 100 if g == group else 0 for g in (BLUE, GREEN)}

    def end(self, status, stack):
        if status == "SUCCESSFUL":
            self.current = self.deployment["target"]
            stack = "UPDATE_ROLLBACK_COMPLETE" if "ROLLBACK" in self.status else stack
        self.deployment["status"], self.deployment, self.status = status, None, stack

    def describe_services(self, cluster, services):
        return {"services": [
            {"runningCount": 6, "desiredCount": 6, "currentServiceRevisions": [{"arn": self.current}]}]}

    def describe_service_revisions(self, service_revision_arns):
        arns = [service_revision_arns] if isinstance(service_revision_arns, str) else service_revision_arns
        return {"serviceRevisions": [self.revisions[arn] for arn in sorted(arns)]}

    def list_service_deployments(self, cluster, service, status, max_results):
        return {"serviceDeployments": [
            {"serviceDeploymentArn": d["arn"], "targetServiceRevisionArn": d["target"], "createdAt": n}
            for n, d in enumerate(self.history) if d["status"] in status]}

    def describe_service_deployments(self, service_deployment_arns):
        d = self.stale or next(d for d in self.history if d["arn"] == service_deployment_arns)
        self.stale = None
        hook = {"hookId": f"ecs-pause-{d['arn'][-1]}", "targetType": "PAUSE", "status": d["hook"]}
        return {"serviceDeployments": [{
            "serviceDeploymentArn": d["arn"], "status": d["status"], "lifecycleStage": d["stage"],
            "sourceServiceRevisions": [{"arn": d["source"]}] if d["source"] else [],
            "lifecycleHookDetails": [hook] if d["hook"] else [], "deploymentConfiguration": {"bakeTimeInMinutes": 10},
            "targetServiceRevision": {
                "arn": d["target"], "requestedTaskCount": 6, "runningTaskCount": 6 * (d["stage"] != STAGES[0]),
                "requestedProductionTrafficWeight": float(self.weights[PRODUCTION][self.group(d["target"])])},
            "alarms": {"triggeredAlarmNames": ["shop-errors"] if self.alarm else []}}]}

    def continue_service_deployment(self, service_deployment_arn, hook_id, action):
        d = self.deployment
        if not d or d["hook"] != "AWAITING_ACTION" or hook_id != f"ecs-pause-{service_deployment_arn[-1]}":
            raise Refused("InvalidParameterException: the hook awaits no action")
        self.stale = dict(d)
        d["hook"] = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
        if action == "ROLLBACK":
            d["status"] = "ROLLBACK_REQUESTED"

    def stop_service_deployment(self, service_deployment_arn, stop_type):
        assert service_deployment_arn == self.deployment["arn"] and stop_type == "ROLLBACK"
        self.stale = dict(self.deployment)
        self.deployment["status"] = "ROLLBACK_REQUESTED"

    # --- load balancer, metrics, images ---

    def describe_rules(self, rule_arns):
        return {"Rules": [{"RuleArn": arn, "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [
            {"TargetGroupArn": g, "Weight": w} for g, w in self.weights[arn].items()]}}]} for arn in rule_arns]}

    def describe_listeners(self, listener_arns):
        assert listener_arns == f"{ELB}:listener/app/x/1/4"
        return {"Listeners": [{"Port": self.port, "Protocol": self.protocol}]}

    def describe_target_health(self, target_group_arn):
        serving = target_group_arn == self.group(self.current)
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": s}} for s in self.health if serving]}

    def get_metric_statistics(self, **_):
        return {"Datapoints": [{"Average": value} for value in self.cpu]}

    def describe_images(self, registry_id, repository_name, image_ids):
        digest = image_ids.partition("=")[2]
        if not any(i.endswith(digest) and repository_name in i for i in (OLDER, OLD, NEW, NGINX, NEW_NGINX)):
            raise Refused("ImageNotFoundException: the image does not exist")
        return {"imageDetails": [{}]}

    # --- migrate ---

    def list_tasks(self, cluster, started_by):
        return {"taskArns": [arn for arn, t in self.tasks.items() if t["mark"] == started_by and t["left"]]}

    def run_task(self, cluster, task_definition, launch_type, started_by, network_configuration):
        network = json.loads(network_configuration)["awsvpcConfiguration"]
        assert network == {
            "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
        arn = f"{ECS}:task/shop/{len(self.tasks) + 1:032x}"
        self.tasks[arn] = {"mark": started_by, "left": 3, "image": task_definition}
        return {"tasks": [{"taskArn": arn}], "failures": []}

    def describe_tasks(self, cluster, tasks):
        task = self.tasks[tasks]
        task["left"] = max(task["left"] - 1, 0)
        if task["left"]:
            return {"tasks": [{"lastStatus": "RUNNING", "containers": [{}]}]}
        if self.exit_status == 0:
            self.migrated.append(task["image"])
        return {"tasks": [{"lastStatus": "STOPPED", "stoppedReason": "Essential container in task exited",
                           "containers": [{"exitCode": self.exit_status}]}]}

    def get_log_events(self, log_group_name, log_stream_name, limit):
        assert log_group_name == "/shop/tasks" and re.fullmatch(r"migrate/migrate/[0-9a-f]{32}", log_stream_name)
        return {"events": [{"message": f"migrate: postgresql://agrobridge_owner:{PASSWORD}@db/agrobridge: 2 applied"}]}

    # --- what tests ask ---

    def changes(self):
        """What was changed, in order."""
        found = []
        for words in self.calls:
            if words[1] == "update-stack":
                values = json.loads(words[words.index("--parameters") + 1])
                found.append("update " + " ".join(p["ParameterKey"] for p in values if "ParameterValue" in p))
            elif words[1] == "continue-service-deployment":
                found.append(words[words.index("--action") + 1])
            elif not words[1].startswith(LOOKS):
                found.append(words[1])
        return found


LOOKS = ("describe", "list", "get")  # calls that change nothing begin so

# Of one release, in order.
RELEASED = ["update MigrateImage", "run-task", "update AppImage NginxImage", "CONTINUE"]


class Colour(http.server.BaseHTTPRequestHandler):
    """One colour behind a listener."""

    def do_GET(self):
        answer = self.server.answers.get(self.path, NOT_FOUND)
        status, kind, body = answer() if callable(answer) else answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    """`answers`: path to (status, type, body), or to a function that returns them."""

    def __init__(self, certificates, answers):
        super().__init__(("127.0.0.1", 0), Colour)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificates.cert, certificates.key)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.answers = answers

    def handle_error(self, *_):
        """Whoever does not trust the certificate hangs up."""


class CommandLine(socketserver.ThreadingUnixStreamServer):
    """What the `aws` in this directory asks."""

    def __init__(self, directory, cloud):
        super().__init__(str(directory / "s"), Words)
        self.cloud = cloud
        (directory / "aws").write_text(PROGRAM.format(python=sys.executable, path=str(directory / "s")))
        (directory / "aws").chmod(0o755)
        # A python3 that is a wrapper may put another aws first; should that happen, it reaches no AWS.
        (directory / "python3").symlink_to(sys.executable)


class Words(socketserver.StreamRequestHandler):
    def handle(self):
        answer = self.server.cloud.say(json.loads(self.rfile.readline()))
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(json.dumps(answer).encode())
