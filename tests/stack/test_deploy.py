"""scripts/deploy against a small cloud: an `aws` program that asks this test, which keeps what AWS would keep."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

import deploy  # noqa: E402
from services import LOOPBACK, Certificates  # noqa: E402

ACCOUNT, REGION = "123456789012", "eu-west-1"
ELB, ECS = (f"arn:aws:{name}:{REGION}:{ACCOUNT}" for name in ("elasticloadbalancing", "ecs"))
BLUE, GREEN = f"{ELB}:targetgroup/blue/1", f"{ELB}:targetgroup/green/2"
PRODUCTION, TEST = f"{ELB}:listener-rule/app/x/1/2/3", f"{ELB}:listener-rule/app/x/1/4/5"
PASSWORD = "s3cret-of-the-owner"


def image(letter, name="app"):
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/{name}@sha256:{letter * 64}"


OLD, NEW, NGINX, NEW_NGINX = image("a"), image("b"), image("c", "nginx"), image("d", "nginx")
STAGES = ("RECONCILE_SERVICE", "SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
          "BAKE_TIME", "CLEAN_UP")
GOOD = {"/livez": (200, "application/json", '{"status":"alive"}'),
        "/readyz": (200, "application/json", '{"status":"ready"}')}
NOT_FOUND = (404, "application/problem+json; charset=utf-8", '{"code":"not_found"}')

# The `aws` of the PATH: hands its words over, prints what it gets.
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

    def __init__(self, port):
        self.port, self.version = port, "aws-cli/2.34.49 Python/3.13"
        self.calls, self.hooks = [], {}
        self.parameters = {"Name": "shop", "AppImage": OLD, "NginxImage": NGINX, "MigrateImage": OLD, "CorsOrigins": ""}
        self.before, self.status = dict(self.parameters), "UPDATE_COMPLETE"
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
            "resolvedConfiguration": {"loadBalancers": [{"targetGroupArn": group, "productionListenerRule": PRODUCTION}]}}
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
            answer = getattr(self, words[1].replace("-", "_"))(**{k: v[0] if len(v) == 1 else v for k, v in options.items()
                                                                  if k not in ("output", "region")})
        except Refused as why:
            return 254, "", f"\nAn error occurred: {why}\n"
        self.hooks.get(words[1], lambda: None)()
        return 0, json.dumps(answer or {}), ""

    # --- stack ---

    def describe_stacks(self, stack_name):
        if stack_name != "agrobridge-service":
            raise Refused(f"Stack with id {stack_name} does not exist")
        self.step()
        parameters = self.before if self.shows_before and self.status.endswith("IN_PROGRESS") else self.parameters
        pairs = lambda what, key: [{f"{key}Key": k, f"{key}Value": v} for k, v in what.items()]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": pairs(parameters, "Parameter"), "Outputs": pairs(
            {"Cluster": "shop", "Service": "shop", "MigrateTask": self.parameters["MigrateImage"]}, "Output")}]}

    def list_exports(self):
        repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"
        return {"Exports": [{"Name": f"shop-{name}", "Value": value} for name, value in {
            "url": "https://localhost", "app-images": f"{repository}/app", "nginx-images": f"{repository}/nginx",
            "private-subnets": "subnet-1,subnet-2", "task-group": "sg-1", "task-logs": "/shop/tasks",
            "production-rule": PRODUCTION, "test-rule": TEST}.items()]}

    def update_stack(self, stack_name, use_previous_template, capabilities, parameters):
        if self.status.endswith("IN_PROGRESS"):
            raise Refused(f"Stack {stack_name} is in {self.status} state and can not be updated")
        new = {p["ParameterKey"]: self.parameters[p["ParameterKey"]] if p.get("UsePreviousValue") else p["ParameterValue"]
               for p in json.loads(parameters)}
        assert new.keys() == self.parameters.keys() and use_previous_template == [] and capabilities == "CAPABILITY_IAM"
        if new == self.parameters:
            raise Refused("No updates are to be performed.")
        self.before, self.parameters, self.status, self.lag = self.parameters, new, "UPDATE_IN_PROGRESS", 3

    def cancel_update_stack(self, stack_name):
        self.status, self.parameters = "UPDATE_ROLLBACK_IN_PROGRESS", self.before

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
            self.parameters = self.before
            if self.redeploys:
                self.redeploys = False
                self.deploy(self.parameters)
        elif self.lag > 1:
            self.lag -= 1
        elif self.status == "UPDATE_IN_PROGRESS" and any(
                self.parameters[name] != self.before[name] for name in ("AppImage", "NginxImage")):
            assert self.parameters["AppImage"] in self.migrated, "green would not find its schema"
            self.deploy(self.parameters)
        elif self.status.endswith("IN_PROGRESS"):
            self.status = "UPDATE_ROLLBACK_COMPLETE" if "ROLLBACK" in self.status else "UPDATE_COMPLETE"

    # --- service ---

    def deploy(self, parameters):
        other = GREEN if self.group(self.current) == BLUE else BLUE
        arn = f"{ECS}:service-deployment/shop/shop/{len(self.history) + 1}"
        self.deployment = {"arn": arn, "status": "IN_PROGRESS", "stage": STAGES[0], "hook": "", "target": self.revision(
            parameters["AppImage"], parameters["NginxImage"], other)}
        self.history.append(self.deployment)

    def lead(self, rule, group):
        self.weights[rule] = {g: 100 if g == group else 0 for g in (BLUE, GREEN)}

    def end(self, status, stack):
        if status == "SUCCESSFUL":
            self.current = self.deployment["target"]
            stack = "UPDATE_ROLLBACK_COMPLETE" if "ROLLBACK" in self.status else stack
        self.deployment["status"], self.deployment, self.status = status, None, stack

    def describe_services(self, cluster, services):
        return {"services": [{"runningCount": 6, "desiredCount": 6, "currentServiceRevisions": [{"arn": self.current}]}]}

    def describe_service_revisions(self, service_revision_arns):
        arns = [service_revision_arns] if isinstance(service_revision_arns, str) else service_revision_arns
        return {"serviceRevisions": [self.revisions[arn] for arn in sorted(arns)]}

    def list_service_deployments(self, cluster, service, status):
        return {"serviceDeployments": [
            {"serviceDeploymentArn": d["arn"], "targetServiceRevisionArn": d["target"], "createdAt": n}
            for n, d in enumerate(self.history) if d["status"] in status]}

    def describe_service_deployments(self, service_deployment_arns):
        d = self.stale or next(d for d in self.history if d["arn"] == service_deployment_arns)
        self.stale = None
        hook = {"hookId": f"ecs-pause-{d['arn'][-1]}", "targetType": "PAUSE", "status": d["hook"]}
        return {"serviceDeployments": [{
            "serviceDeploymentArn": d["arn"], "status": d["status"], "lifecycleStage": d["stage"],
            "lifecycleHookDetails": [hook] if d["hook"] else [], "deploymentConfiguration": {"bakeTimeInMinutes": 10},
            "targetServiceRevision": {"arn": d["target"], "requestedTaskCount": 6, "runningTaskCount": 6},
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
        if not any(i.endswith(image_ids.partition("=")[2]) and repository_name in i for i in (OLD, NEW, NGINX, NEW_NGINX)):
            raise Refused("ImageNotFoundException: the image does not exist")
        return {"imageDetails": [{}]}

    # --- migrate ---

    def list_tasks(self, cluster, started_by):
        return {"taskArns": [arn for arn, t in self.tasks.items() if t["mark"] == started_by and t["left"]]}

    def run_task(self, cluster, task_definition, launch_type, started_by, network_configuration):
        network = json.loads(network_configuration)["awsvpcConfiguration"]
        assert network == {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
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
            elif not words[1].startswith(("describe", "list", "get")):
                found.append(words[1])
        return found


RELEASED = ["update MigrateImage", "run-task", "update AppImage NginxImage", "CONTINUE"]


class Green(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, kind, body = self.server.answers.get(self.path, NOT_FOUND)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class GreenServer(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Whoever does not trust the certificate hangs up."""


class Words(socketserver.StreamRequestHandler):
    def handle(self):
        answer = self.server.cloud.say(json.loads(self.rfile.readline()))
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(json.dumps(answer).encode())


class Deploy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ab-")))
        cls.directory.chmod(0o711)  # the certificates' owner may be another user
        cls.certificates = Certificates(cls.directory / "tls")

    def setUp(self):
        self.green = GreenServer((LOOPBACK, 0), Green)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificates.cert, self.certificates.key)
        self.green.socket = tls.wrap_socket(self.green.socket, server_side=True, do_handshake_on_connect=False)
        self.green.answers = dict(GOOD)
        self.serve(self.green)
        self.cloud = Cloud(self.green.server_port)
        place = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ab-")))
        server = socketserver.ThreadingUnixStreamServer(str(place / "s"), Words)
        server.cloud = self.cloud
        self.serve(server)
        (place / "aws").write_text(PROGRAM.format(python=sys.executable, path=str(place / "s")))
        (place / "aws").chmod(0o755)
        # A python3 that is a wrapper may put another aws first; should that happen, it reaches no AWS.
        (place / "python3").symlink_to(sys.executable)
        self.env = os.environ | {"PATH": f"{place}:{os.environ['PATH']}", "SSL_CERT_FILE": str(self.certificates.ca),
                                 "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:1", "AWS_ACCESS_KEY_ID": "none",
                                 "AWS_SECRET_ACCESS_KEY": "none"}

    def serve(self, server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def start(self, *words):
        return subprocess.Popen([SOURCE / "scripts/deploy", *words, "--interval", "0.01"], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def deploy(self, *words):
        """(exit status, everything it said)"""
        with self.start(*words) as process:
            said = process.communicate(timeout=120)[0]
        self.assertNotIn("Traceback", said)
        self.assertNotIn(PASSWORD, said)
        return process.returncode, said

    def test_a_release(self):
        status, said = self.deploy("release", NEW, "--nginx", NEW_NGINX)
        self.assertEqual(status, 0, said)
        self.assertEqual(self.cloud.changes(), RELEASED)
        self.assertEqual({k: self.cloud.parameters[k] for k in ("AppImage", "NginxImage", "MigrateImage")},
                         {"AppImage": NEW, "NginxImage": NEW_NGINX, "MigrateImage": NEW})
        self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 0, GREEN: 100})
        for word in ("postgresql://agrobridge_owner:***@db", "exit status 0", "green: good", "BAKE_TIME 0 of 10 min",
                     "done: "):
            self.assertIn(word, said)
        with self.subTest("again: the same is not released twice"):
            self.assertEqual(self.deploy("release", NEW)[0], 0)
            self.assertEqual(self.cloud.changes(), RELEASED)
        with self.subTest("the next goes from green to blue; nginx stays"):
            self.assertEqual(self.deploy("release", OLD)[0], 0)
            self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 100, GREEN: 0})
            self.assertEqual(self.cloud.parameters["NginxImage"], NEW_NGINX)

    def test_each_check_refuses(self):
        def change(**values):
            vars(self.cloud).update(values)

        def weights(blue, green):
            self.cloud.weights[PRODUCTION] = {BLUE: blue, GREEN: green}

        def another_runs():
            self.cloud.deploy(self.cloud.parameters | {"AppImage": NEW_NGINX})

        elsewhere = NEW.replace("shop/app", "other/app")
        for arrange, word, wanted in (
                (lambda: None, "does not exist", image("e")),
                (lambda: None, "is not in shop/app", elsewhere),
                (lambda: weights(50, 50), "[50, 50]", NEW),
                (lambda: weights(0, 100), "100 leads to the colour", NEW),
                (lambda: change(health=["healthy", "unhealthy"]), "1 of 2", NEW),
                (lambda: change(health=[]), "there is none", NEW),
                (another_runs, "a deployment of", NEW),
                (lambda: change(status="UPDATE_FAILED"), "is UPDATE_FAILED", NEW),
                (lambda: change(current=self.cloud.revision(NEW_NGINX, NGINX, BLUE)), "somebody else", NEW),
                (lambda: change(cpu=[10.0, 50.0]), "50 %", NEW),
                (lambda: change(cpu=[]), "CloudWatch has none", NEW),
                (lambda: change(port=1), "TesterCidr", NEW)):
            with self.subTest(word):
                port = self.cloud.port
                self.cloud.__init__(port)
                arrange()
                status, said = self.deploy("release", wanted)
                self.cloud.port = port
                self.assertEqual(status, 1, said)
                self.assertIn(word, re.search("^  NO  (.*)", said, re.MULTILINE)[1], said)
                self.assertIn("nothing was changed", said)
                self.assertEqual(self.cloud.changes(), [])

    def test_force_is_for_the_processor_alone(self):
        self.cloud.cpu = [90.0]
        self.assertEqual(self.deploy("plan", NEW)[0], 1)
        self.cloud.health = ["unhealthy"]
        self.assertEqual(self.deploy("release", NEW, "--force")[0], 1)
        self.cloud.health = ["healthy"]
        self.assertEqual(self.deploy("release", NEW, "--force")[0], 0)

    def test_a_migrate_that_fails_ends_the_release(self):
        self.cloud.exit_status = 1
        status, said = self.deploy("release", NEW)
        self.assertEqual((status, self.cloud.changes()), (1, RELEASED[:2]), said)
        self.assertIn("migrate ended with 1", said)
        self.cloud.exit_status = 0
        self.assertEqual(self.deploy("release", NEW)[0], 0)

    def test_a_bad_green_never_meets_a_client(self):
        for path, answer in (("/readyz", (503, "application/problem+json", "{}")), ("/livez", (200, "text/html", "alive")),
                             ("/t/0000000000", (503, "application/problem+json", '{"code":"unavailable"}')),
                             ("/status", (200, "application/json", "{}"))):
            with self.subTest(path):
                self.cloud.__init__(self.cloud.port)
                self.green.answers = GOOD | {path: answer}
                status, said = self.deploy("release", NEW)
                self.assertEqual((status, self.cloud.changes()), (1, [*RELEASED[:3], "ROLLBACK"]), said)
                self.assertIn(f"green: {path}: {answer[0]}", said)
                self.assertIn(f"clients have {deploy.short(OLD)} again", said)
                self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 100, GREEN: 0})

    def test_the_same_release_may_follow_one_that_failed(self):
        self.green.answers["/readyz"] = NOT_FOUND
        self.assertEqual(self.deploy("release", NEW)[0], 1)
        self.assertEqual(self.cloud.status, "UPDATE_ROLLBACK_COMPLETE")
        self.green.answers = dict(GOOD)
        status, said = self.deploy("release", NEW)
        self.assertEqual(status, 0, said)

    def test_what_is_tested_is_green_and_this_release(self):
        def lead_to_blue():
            self.cloud.lead(TEST, BLUE)

        def another():
            self.cloud.revisions[self.cloud.deployment["target"]]["containerImages"][0]["image"] = OLD

        for arrange, word in ((lead_to_blue, "does not lead to green"), (another, "which nobody releases")):
            with self.subTest(word):
                self.cloud.__init__(self.cloud.port)
                self.cloud.hooks["describe-service-deployments"] = lambda do=arrange: self.cloud.deployment and do()
                status, said = self.deploy("release", NEW)
                self.assertEqual((status, self.cloud.changes()[-1]), (1, "ROLLBACK"), said)
                self.assertIn(word, said)

    def test_tls_is_verified(self):
        del self.env["SSL_CERT_FILE"]
        status, said = self.deploy("release", NEW)
        self.assertEqual((status, self.cloud.changes()), (1, []))
        self.assertIn("CERTIFICATE_VERIFY_FAILED", said)
        self.cloud.protocol = "HTTP"
        self.assertIn("speaks HTTP", self.deploy("release", NEW)[1])

    def test_an_alarm_in_the_bake(self):
        self.cloud.alarm = True
        status, said = self.deploy("release", NEW)
        self.assertEqual((status, self.cloud.changes()), (1, RELEASED), said)
        self.assertIn("shop-errors", said)
        self.assertIn(f"clients have {deploy.short(OLD)} again", said)

    def test_a_rollback_of_the_stack_that_deploys_is_let_through(self):
        self.cloud.alarm = self.cloud.redeploys = True
        self.cloud.hooks["continue-service-deployment"] = lambda: vars(self.cloud).update(
            alarm=self.cloud.changes().count("CONTINUE") < 2)
        status, said = self.deploy("release", NEW)
        self.assertEqual((status, self.cloud.changes()), (1, [*RELEASED, "CONTINUE"]), said)
        self.assertEqual((self.cloud.status, self.cloud.deployment), ("UPDATE_ROLLBACK_COMPLETE", None))

    def test_interrupted_anywhere_and_run_again(self):
        for number, (name, count) in enumerate((
                ("describe-rules", 1), ("update-stack", 1), ("run-task", 1), ("describe-tasks", 1), ("get-log-events", 1),
                ("update-stack", 2), *(("describe-service-deployments", n) for n in (1, 4, 6)),
                ("continue-service-deployment", 1))):
            with self.subTest(name, count=count):
                self.cloud.__init__(self.cloud.port)
                sent, left = (signal.SIGINT, signal.SIGTERM)[number % 2], [count]
                with self.start("release", NEW) as process:
                    def interrupt():
                        left[0] -= 1
                        if left[0] == 0:
                            process.send_signal(sent)
                            process.wait(30)
                    self.cloud.hooks[name] = interrupt
                    said = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, 128 + sent, said)
                self.assertIn("run the same command again", said)
                self.cloud.hooks.clear()
                status, said = self.deploy("release", NEW)
                self.assertEqual(status, 0, said)
                self.assertEqual([*dict.fromkeys(self.cloud.changes())], RELEASED)
                self.assertEqual(self.cloud.changes().count("CONTINUE"), 1)
                self.assertEqual(self.cloud.changes().count("run-task"), 2 if name == "get-log-events" else 1)
                self.assertEqual(len(self.cloud.history), 1)

    def happy(self):
        self.assertEqual(self.deploy("release", NEW)[0], 0)
        return self.cloud.calls

    def pause(self):
        """A release that nobody follows any more, paused."""
        self.cloud.migrated.append(NEW)
        self.cloud.parameters["MigrateImage"] = NEW
        self.cloud.say(["cloudformation", "update-stack", "--stack-name", "agrobridge-service", "--use-previous-template",
                        "--capabilities", "CAPABILITY_IAM", "--parameters", json.dumps(
                            [{"ParameterKey": k, "ParameterValue": NEW if k == "AppImage" else v}
                             for k, v in self.cloud.parameters.items()])])
        while not self.cloud.deployment or self.cloud.deployment["hook"] != "AWAITING_ACTION":
            self.cloud.step()
        self.cloud.calls.clear()

    def bake(self):
        self.pause()
        self.cloud.deployment["hook"] = "SUCCEEDED"
        while self.cloud.deployment["stage"] != "BAKE_TIME":
            self.cloud.step()

    def update_of_something(self):
        self.cloud.status = "UPDATE_IN_PROGRESS"
        self.cloud.step = lambda: None  # until it is cancelled
        self.cloud.hooks["cancel-update-stack"] = lambda: vars(self.cloud).pop("step")

    def test_a_paused_release_is_continued(self):
        for shows_before in (False, True):  # the parameters, while a stack is being updated
            with self.subTest(shows_before=shows_before):
                self.cloud.__init__(self.cloud.port)
                self.pause()
                self.cloud.shows_before = shows_before
                status, said = self.deploy("release", NEW)
                self.assertEqual((status, self.cloud.changes()), (0, ["CONTINUE"]), said)

    def test_what_somebody_else_rolls_back_is_not_continued(self):
        self.pause()
        self.cloud.hooks["describe-services"] = lambda: self.cloud.deployment and self.cloud.deployment.update(
            status="ROLLBACK_REQUESTED")
        status, said = self.deploy("release", NEW)
        self.assertEqual((status, self.cloud.changes()), (1, []), said)

    def test_another_than_the_paused_release_is_refused(self):
        self.pause()
        for words in ((image("f"),), (NEW, "--nginx", NEW_NGINX)):
            status, said = self.deploy("release", *words)
            self.assertEqual((status, self.cloud.changes()), (1, []), said)
            self.assertIn("a deployment of", said)

    def test_rollback(self):
        with self.subTest("of a paused release"):
            self.pause()
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["ROLLBACK"]), said)
        with self.subTest("before the pause, which comes all the same"):
            self.cloud.__init__(self.cloud.port)
            self.pause()
            self.cloud.deployment.update(stage="SCALE_UP", hook="")
            self.cloud.hooks["stop-service-deployment"] = lambda: self.cloud.stale.update(hook="AWAITING_ACTION")
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["stop-service-deployment"]), said)
        with self.subTest("in the bake"):
            self.cloud.__init__(self.cloud.port)
            self.bake()
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["stop-service-deployment"]), said)
            self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 100, GREEN: 0})
        with self.subTest("before green starts"):
            self.cloud.__init__(self.cloud.port)
            self.update_of_something()
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["cancel-update-stack"]), said)
            self.assertEqual(self.cloud.status, "UPDATE_ROLLBACK_COMPLETE")

    def test_rollback_of_a_release_that_is_done(self):
        self.assertEqual(self.deploy("rollback")[0], 1, "there is none")
        for app in (image("f"), OLD):
            self.cloud.deploy(self.cloud.parameters | {"AppImage": app})
            self.cloud.end("SUCCESSFUL", "UPDATE_COMPLETE")
        self.assertEqual(self.deploy("release", NEW, "--nginx", NEW_NGINX)[0], 0)
        self.cloud.calls.clear()
        self.cloud.cpu, self.cloud.health = [99.0], ["unhealthy"]  # the reason for it
        status, said = self.deploy("rollback")
        self.assertEqual((status, self.cloud.changes()), (0, RELEASED[2:]), said)
        self.assertEqual({k: self.cloud.parameters[k] for k in ("AppImage", "NginxImage", "MigrateImage")},
                         {"AppImage": OLD, "NginxImage": NGINX, "MigrateImage": NEW})

    def test_plan_and_status_change_nothing(self):
        for words in (("plan",), ("plan", NEW), ("status",)):
            status, said = self.deploy(*words)
            self.assertEqual((status, self.cloud.changes()), (0, []), said)
        self.assertIn(OLD, said)
        self.cloud.health = ["unhealthy"]
        self.assertEqual([self.deploy(what)[0] for what in ("plan", "status")], [1, 1])

    def test_dry_run_calls_nothing_and_says_what_is_called(self):
        status, said = self.deploy("release", NEW, "--dry-run", "--region", REGION)
        self.assertEqual((status, self.cloud.calls), (0, []), said)
        said = [line.split()[2] for line in said.splitlines()]
        self.assertEqual([*dict.fromkeys(said)], [*dict.fromkeys(words[1] for words in self.happy())])
        changes = [word for word in said if not word.startswith(("describe", "list", "get"))]
        self.assertEqual(len(changes), len(RELEASED))
        for words in (("rollback",), ("status",), ("plan", NEW)):
            self.cloud.calls.clear()
            status, said = self.deploy(*words, "--dry-run")
            self.assertEqual((status, self.cloud.calls), (0, []))
            self.deploy(*words)
            called = {words[1] for words in self.cloud.calls}
            self.assertLessEqual(called, {line.split()[2] for line in said.splitlines()})

    def test_wrong_usage(self):
        for words in ((), ("launch",), ("release",), ("release", "agrobridge:latest"), ("release", NEW.partition("@")[0]),
                      ("release", NEW, "--nginx", "nginx"), ("rollback", NEW), ("status", NEW), ("release", NEW, "--bake")):
            self.assertEqual(self.deploy(*words)[0], 2, words)
        self.assertEqual(self.cloud.calls, [])
        self.assertEqual(self.deploy("--help")[0], 0)

    def test_another_stack_or_region(self):
        self.assertIn("does not exist", self.deploy("status", "--stack", "other")[1])
        self.assertEqual(self.deploy("status", "--region", "us-east-1")[0], 0)
        self.assertTrue(all(words[-2:] == ["--region", "us-east-1"] for words in self.cloud.calls[-5:]))

    def test_the_aws_command_line(self):
        for version, status in (("aws-cli/2.34.48 x", 1), ("aws-cli/1.45.9 x", 1), ("aws-cli/1.45.10 x", 0),
                                ("nonsense", 1), ("aws-cli/2.35.0 x", 0)):
            self.cloud.version = version
            self.assertEqual(self.deploy("status")[0], status, version)
        place = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ab-")))
        for name in ("bash", "dirname", "python3"):
            (place / name).symlink_to(os.path.realpath(sys.executable if name == "python3" else shutil.which(name)))
        self.env["PATH"] = str(place)
        status, said = self.deploy("release", NEW)
        self.assertEqual(status, 1)
        self.assertIn("the aws command line is missing", said)
        self.assertIn("2.34.49", said)

    def test_the_probe_has_the_length_of_a_public_code(self):
        length = re.search(r"PUBLIC_CODE_LENGTH = (\d+)", (SOURCE / "src/store/lot.h").read_text())[1]
        self.assertTrue(any(re.fullmatch(f"/t/0{{{length}}}", path) for path, *_ in deploy.PROBES),
                        "or PostgreSQL is not asked")

    def test_the_templates_say_what_it_reads(self):
        text = "".join(file.read_text() for file in (SOURCE / "container/aws").glob("*.yaml"))
        for export in self.cloud.list_exports()["Exports"]:
            self.assertIn(f"'${{Name}}-{export['Name'].removeprefix('shop-')}'}}", text)
        service = (SOURCE / "container/aws/service.yaml").read_text()
        for word in ("AppImage", "NginxImage", "MigrateImage", "Name", "Cluster", "Service", "MigrateTask"):
            self.assertRegex(service, rf"(?m)^  {word}:$")
        self.assertIn("LifecycleStages: [POST_TEST_TRAFFIC_SHIFT]", service)
        self.assertIn("awslogs-stream-prefix: migrate", service)

    def test_a_real_command_line_takes_every_call(self):
        """With no AWS behind it: words it does not know end with 252, those it does with no connection."""
        try:
            deploy.check_aws()
        except deploy.Failure as why:
            self.skipTest(str(why))
        calls = {words[1]: words for words in self.happy()}
        for arrange in (self.pause, self.bake, self.update_of_something):
            self.cloud.__init__(self.cloud.port)
            arrange()
            self.deploy("rollback")
            calls |= {words[1]: words for words in self.cloud.calls}
        self.assertEqual(len(calls), len({" ".join(call.split()[:2]) for call in deploy.CALLS.values()}))
        with socket.socket() as nobody:
            nobody.bind((LOOPBACK, 0))
            env = os.environ | {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{nobody.getsockname()[1]}", "AWS_MAX_ATTEMPTS": "1",
                                "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": REGION}
            for words in calls.values():
                done = subprocess.run(["aws", *words], env=env, capture_output=True, text=True, check=False)
                self.assertIn("Could not connect to the endpoint URL", done.stderr, words)


if __name__ == "__main__":
    unittest.main()
