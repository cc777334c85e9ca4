"""scripts/deploy against a small cloud (cloud.py). Most cases run it in this process; a few the program itself, which
finds an `aws` in its PATH that asks the same cloud."""

import contextlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from cloud import (BLUE, BUILD, GOOD, GREEN, LOOKS, NEW, NEW_NGINX, NGINX, NOT_FOUND, OLD, OLDER, PASSWORD, PRODUCTION,
                   REGION, RELEASED, TEST, Cloud, CommandLine, Listener, alive, image)

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

import deploy  # noqa: E402
import deploy_aws as aws  # noqa: E402
import deploy_green as green  # noqa: E402
import deploy_say  # noqa: E402
from services import LOOPBACK, Certificates  # noqa: E402


class Deploy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ab-")))
        cls.directory.chmod(0o711)  # the certificates' owner may be another user
        cls.certificates = Certificates(cls.directory / "tls")

    def setUp(self):
        self.green = self.serve(Listener(self.certificates, dict(GOOD)))
        self.blue = self.serve(Listener(self.certificates, {"/livez": alive("aaaaaaaaaaaa")}))
        self.cloud = Cloud(self.green.server_port, f"https://localhost:{self.blue.server_port}",
                           deploy.TEMPLATE.read_text())
        place = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ab-")))
        self.serve(CommandLine(place, self.cloud))
        self.env = os.environ | {"PATH": f"{place}:{os.environ['PATH']}", "SSL_CERT_FILE": str(self.certificates.ca),
                                 "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:1", "AWS_ACCESS_KEY_ID": "none",
                                 "AWS_SECRET_ACCESS_KEY": "none"}

    def serve(self, server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def reset(self):
        self.cloud.__init__(self.green.server_port, self.cloud.url, deploy.TEMPLATE.read_text())

    def run_aws(self, *words):
        return subprocess.CompletedProcess(words, *self.cloud.say(list(words)))

    def deploy(self, *words, terminal=False):
        """(exit status, everything it said), of the program's main function."""
        said = io.StringIO()
        said.isatty = lambda: terminal
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        with (mock.patch.object(aws, "run_aws", self.run_aws), mock.patch.dict(os.environ, self.env, clear=True),
              contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)):
            try:
                status = deploy.main([*words, "--interval", "0"])
            except SystemExit as ended:
                status = ended.code
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        self.assertNotIn(PASSWORD, said.getvalue())
        return status, said.getvalue()

    def start(self, *words):
        return subprocess.Popen([SOURCE / "scripts/deploy", *words, "--interval", "0.01"], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def program(self, *words):
        """The same of the program."""
        with self.start(*words) as process:
            said = process.communicate(timeout=120)[0]
        self.assertNotIn("Traceback", said)
        self.assertNotIn(PASSWORD, said)
        return process.returncode, said

    def test_a_release(self):
        self.at("continue-service-deployment", 1, lambda: self.blue.answers.update(self.green.answers))
        status, said = self.program("release", NEW, "--nginx", NEW_NGINX, "--revision", BUILD)
        self.assertEqual(status, 0, said)
        self.assertEqual(self.cloud.changes(), RELEASED)
        self.assertEqual({k: self.cloud.parameters[k] for k in ("AppImage", "NginxImage", "MigrateImage")},
                         {"AppImage": NEW, "NginxImage": NEW_NGINX, "MigrateImage": NEW})
        self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 0, GREEN: 100})
        seen = [said.find(word) for word in (
            "clients: version 0.1.0, revision aaaaaaaaaaaa", "stack: UPDATE_IN_PROGRESS\n",
            "postgresql://agrobridge_owner:***@db", "exit status 0", f"green: version 0.1.0, revision {BUILD}",
            "green: good", "ECS: IN_PROGRESS BAKE_TIME, 0 of 10 min, green 6 of 6 tasks, clients 100 %",
            f"clients: version 0.1.0, revision {BUILD}", "done: ")]
        self.assertEqual(seen, sorted(set(seen) - {-1}), said)
        with self.subTest("again: the same is not released twice"):
            self.assertEqual(self.deploy("release", NEW)[0], 0)
            self.assertEqual(self.cloud.changes(), RELEASED)
        with self.subTest("the next goes from green to blue; nginx stays"):
            self.assertEqual(self.deploy("release", OLD)[0], 0)
            self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 100, GREEN: 0})
            self.assertEqual(self.cloud.parameters["NginxImage"], NEW_NGINX)

    def test_a_release_with_the_other_role(self):
        self.assertEqual(self.deploy("release", NEW, "--role", "b")[0], 0)
        self.assertEqual(self.cloud.changes(), ["update MigrateImage MigrateRole", "run-task",
                                                "update AppImage NginxImage DatabaseRole", "CONTINUE"])
        with self.subTest("the same images, to change a password"):
            self.assertEqual(self.deploy("release", NEW, "--role", "b")[0], 0)
            self.assertEqual(len(self.cloud.changes()), 4)
            self.assertEqual(self.deploy("release", NEW, "--role", "a")[0], 0)
            self.assertEqual(self.cloud.parameters["DatabaseRole"], "a")
            self.assertEqual(self.cloud.changes()[4:6], ["update MigrateImage MigrateRole", "run-task"])

    def test_the_program_is_interrupted(self):
        with self.start("release", NEW) as process:
            self.at("run-task", 1, lambda: (process.send_signal(signal.SIGINT), process.wait(30)))
            said = process.communicate(timeout=60)[0]
        self.assertEqual((process.returncode, self.cloud.changes()), (128 + signal.SIGINT, RELEASED[:2]), said)
        self.assertIn("run the same command again", said)
        self.assertNotIn("Traceback", said)

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
                self.reset()
                arrange()
                status, said = self.deploy("release", wanted)
                self.assertEqual(status, 1, said)
                self.assertIn(word, re.search("^  NO  (.*)", said, re.MULTILINE)[1], said)
                self.assertIn("nothing was changed", said)
                self.assertEqual(self.cloud.changes(), [])

    def test_wrong_weights_after_a_release_are_said(self):
        self.at("describe-services", 2, lambda: self.cloud.weights.update({PRODUCTION: {BLUE: 50, GREEN: 50}}))
        status, said = self.deploy("release", NEW)
        self.assertEqual((status, self.cloud.changes()), (1, RELEASED), said)
        self.assertIn("the weights of the production rule: [50, 50]", said)

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
        for path, answer in (("/readyz", (503, "application/problem+json", "{}")),
                             ("/livez", (200, "text/html", "alive")),
                             ("/t/0000000000", (503, "application/problem+json", '{"code":"unavailable"}')),
                             ("/status", (200, "application/json", "{}"))):
            with self.subTest(path):
                self.reset()
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
        with self.subTest("what runs still is released, and nothing is left to take back"):
            self.assertEqual(self.deploy("release", OLD)[0], 0)
            self.cloud.calls.clear()
            self.assertEqual((self.deploy("rollback")[0], self.cloud.changes()), (1, []))
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
                self.reset()
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

    def at(self, call, count, do):
        """When that call was answered for the `count`th time."""
        left = [count]

        def act():
            left[0] -= 1
            if left[0] == 0:
                do()
        self.cloud.hooks[call] = act

    def test_interrupted_anywhere_and_run_again(self):
        for number, (name, count) in enumerate((
                ("describe-rules", 1), ("update-stack", 1), ("run-task", 1), ("describe-tasks", 1),
                ("get-log-events", 1), ("update-stack", 2),
                *(("describe-service-deployments", n) for n in (1, 4, 6)), ("continue-service-deployment", 1))):
            with self.subTest(name, count=count):
                self.reset()
                sent = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
                self.at(name, count, lambda sent=sent: signal.raise_signal(sent))
                status, said = self.deploy("release", NEW)
                self.assertEqual(status, 128 + sent, said)
                self.assertIn("run the same command again", said)
                self.cloud.hooks.clear()
                status, said = self.deploy("release", NEW)
                self.assertEqual(status, 0, said)
                self.assertEqual([*dict.fromkeys(self.cloud.changes())], RELEASED)
                self.assertEqual(self.cloud.changes().count("CONTINUE"), 1)
                self.assertEqual(self.cloud.changes().count("run-task"), 2 if name == "get-log-events" else 1)
                self.assertEqual(len(self.cloud.history), 1)

    def pause(self):
        """A release that nobody follows any more, paused."""
        self.cloud.migrated.append(NEW)
        self.cloud.parameters["MigrateImage"] = NEW
        self.cloud.update_stack("agrobridge-service", "CAPABILITY_IAM", json.dumps(
            [{"ParameterKey": k, "ParameterValue": NEW if k == "AppImage" else v}
             for k, v in self.cloud.parameters.items()]), use_previous_template=[])
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
                self.reset()
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
            self.reset()
            self.pause()
            self.cloud.deployment.update(stage="SCALE_UP", hook="")
            self.cloud.hooks["stop-service-deployment"] = lambda: self.cloud.stale.update(hook="AWAITING_ACTION")
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["stop-service-deployment"]), said)
        with self.subTest("in the bake"):
            self.reset()
            self.bake()
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["stop-service-deployment"]), said)
            self.assertEqual(self.cloud.weights[PRODUCTION], {BLUE: 100, GREEN: 0})
        with self.subTest("before green starts"):
            self.reset()
            self.update_of_something()
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (0, ["cancel-update-stack"]), said)
            self.assertEqual(self.cloud.status, "UPDATE_ROLLBACK_COMPLETE")

    def was_released(self, *pairs):
        """Releases that are done, one after the other; the first made the service."""
        for app, nginx in pairs:
            self.cloud.parameters |= {"AppImage": app, "NginxImage": nginx, "MigrateImage": app}
            self.cloud.migrated.append(app)
            self.cloud.deploy(self.cloud.parameters)
            self.cloud.lead(PRODUCTION, self.cloud.group(self.cloud.deployment["target"]))
            self.cloud.end("SUCCESSFUL", "UPDATE_COMPLETE")
        self.cloud.history[0]["source"] = None
        self.cloud.calls.clear()

    def runs(self):
        return [c["image"] for c in self.cloud.revisions[self.cloud.current]["containerImages"]]

    def test_rollback_of_a_release_that_is_done(self):
        self.assertIn("remembers no release before", self.deploy("rollback")[1])
        self.was_released((OLDER, NGINX), (OLD, NGINX), (NEW, NEW_NGINX), (NEW, NEW_NGINX))
        self.cloud.cpu, self.cloud.health = [99.0], ["unhealthy"]  # the reason for it
        status, said = self.deploy("rollback")
        self.assertEqual((status, self.cloud.changes()), (0, RELEASED[2:]), said)
        self.assertEqual({k: self.cloud.parameters[k] for k in ("AppImage", "NginxImage", "MigrateImage")},
                         {"AppImage": OLD, "NginxImage": NGINX, "MigrateImage": NEW})
        with self.subTest("again: neither forward nor to a program that the schema may have left behind"):
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (1, RELEASED[2:]), said)
            self.assertIn(f"scripts/deploy release {OLDER} --nginx {NGINX}", said)
        with self.subTest("a person may go further back"):
            self.cloud.cpu, self.cloud.health = [20.0], ["healthy"]
            self.assertEqual(self.deploy("release", OLDER, "--nginx", NGINX)[0], 0)
            self.assertEqual(self.deploy("rollback")[0], 1)
            self.assertEqual(self.runs(), [OLDER, NGINX])

    def test_rollback_to_what_ecs_has_forgotten_the_release_of(self):
        self.was_released((OLD, NGINX), (NEW, NGINX))
        del self.cloud.history[0]
        self.assertEqual((self.deploy("rollback")[0], self.runs()), (0, [OLD, NGINX]))
        self.cloud.parameters["MigrateImage"] = OLD  # so that the history alone must say it
        self.assertEqual((self.deploy("rollback")[0], self.runs()), (1, [OLD, NGINX]))

    def test_rollback_of_nginx_alone(self):
        self.was_released((OLDER, NGINX), (OLD, NGINX), (OLD, NEW_NGINX))
        self.assertEqual((self.deploy("rollback")[0], self.runs()), (0, [OLD, NGINX]))
        self.assertEqual((self.deploy("rollback")[0], self.runs()), (1, [OLD, NGINX]))

    def test_no_rollback_past_what_the_schema_keeps_working(self):
        self.was_released((OLDER, NGINX), (OLD, NGINX))
        self.cloud.parameters["MigrateImage"] = NEW  # its release was given up after that
        status, said = self.deploy("rollback")
        self.assertEqual((status, self.cloud.changes()), (1, []), said)
        self.assertIn(f"that of {deploy.short(NEW)}", said)

    def test_no_rollback_of_what_went_back_by_itself(self):
        self.was_released((OLDER, NGINX), (OLD, NGINX))
        for _ in range(2):
            self.cloud.status = "UPDATE_ROLLBACK_COMPLETE"
            status, said = self.deploy("rollback")
            self.assertEqual((status, self.cloud.changes()), (1, []))
            self.assertIn("is taken back already", said)
            self.reset()  # no release before either

    def test_rollback_interrupted_and_run_again(self):
        for name, count in (("update-stack", 1), *(("describe-service-deployments", n) for n in (2, 5, 7)),
                            ("continue-service-deployment", 1)):
            with self.subTest(name, count=count):
                self.reset()
                self.was_released((OLD, NGINX), (NEW, NGINX))
                self.at(name, count, lambda: signal.raise_signal(signal.SIGINT))
                self.assertEqual(self.deploy("rollback")[0], 128 + signal.SIGINT)
                self.cloud.hooks.clear()
                status, said = self.deploy("rollback")
                self.assertEqual((status, self.cloud.changes()), (0, RELEASED[2:]), said)
                self.assertEqual(self.runs(), [OLD, NGINX])

    def test_rollback_follows_a_stack_that_goes_back(self):
        self.pause()
        self.cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        status, said = self.deploy("rollback")
        self.assertEqual((status, self.cloud.changes()), (0, ["CONTINUE"]), said)

    def test_rollback_while_the_stack_tidies_up(self):
        self.was_released((OLD, NGINX), (NEW, NGINX))
        self.cloud.status, self.cloud.lag = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 3
        self.assertEqual((self.deploy("rollback")[0], self.runs()), (0, [OLD, NGINX]))

    def file(self, text):
        path = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="ab-"))) / "service.yaml"
        path.write_text(text)
        return str(path)

    def test_a_template_that_differs_is_said(self):
        for words in (("plan", NEW), ("release", NEW)):
            self.assertNotIn("--template", self.deploy(*words)[1])
        self.cloud.template += "# older\n"
        for words in (("plan", OLD), ("release", OLD)):
            status, said = self.deploy(*words)
            self.assertEqual(status, 0)
            self.assertIn("  !!  the stack's template is not this checkout's", said)

    def test_a_template_goes_with_the_images(self):
        before, new = self.cloud.template, self.cloud.template.replace(
            "\nParameters:\n", "\nParameters:\n  Another:\n    Type: String\n    Default: x\n")
        file = self.file(new)
        self.at("run-task", 1, lambda: self.assertEqual(self.cloud.template, before, "blue would get it"))
        self.assertEqual(self.deploy("plan", NEW, "--template", file)[0], 0)
        self.assertEqual(self.cloud.changes(), [])
        self.assertNotIn("  !!  ", self.deploy("release", NEW, "--template", file)[1])
        self.assertEqual((self.cloud.changes(), self.cloud.template), (RELEASED, new))
        with self.subTest("again: nothing is left to do"):
            self.assertEqual(self.deploy("release", NEW, "--template", file)[0], 0)
            self.assertEqual(self.cloud.changes(), RELEASED)
        with self.subTest("with the images that run"):
            self.assertEqual(self.deploy("release", NEW, "--template", self.file(before))[0], 0)
            self.assertEqual(self.cloud.template, before)
        with self.subTest("with the way back"):
            self.reset()
            self.was_released((OLD, NGINX), (NEW, NGINX))
            self.assertEqual(self.deploy("rollback", "--template", file)[0], 0)
            self.assertEqual((self.cloud.template, self.runs()), (new, [OLD, NGINX]))

    def test_a_template_that_cannot_be_used(self):
        text = self.cloud.template
        for text, word in (("nonsense", "no parameter AppImage, "),
                           ((SOURCE / "container/aws/data.yaml").read_text(), "no parameter AppImage, "),
                           (text.replace("\nParameters:\n", "\nParameters:\n  Another:\n    Type: String\n"),
                            "Another is a new parameter")):
            status, said = self.deploy("release", NEW, "--template", self.file(text))
            self.assertEqual((status, self.cloud.changes()), (1, []), said)
            self.assertIn(word, said)

    def test_green_says_what_it_is(self):
        with self.subTest("another revision than the person meant"):
            status, said = self.deploy("release", NEW, "--revision", "cccccccccccc")
            self.assertEqual((status, self.cloud.changes()[-1]), (1, "ROLLBACK"), said)
            self.assertIn(f"green: /livez: revision {BUILD}, not cccccccccccc", said)
        with self.subTest("none, as before there was one"):
            self.green.answers["/livez"] = (200, "application/json", '{"status":"alive"}')
            self.reset()
            status, said = self.deploy("release", NEW)
            self.assertEqual(status, 0, said)
            self.assertIn("green: says no revision", said)
            self.reset()
            self.assertEqual(self.deploy("release", NEW, "--revision", BUILD)[0], 1)
        with self.subTest("two of them: not all that answers is green"):
            self.reset()
            several = itertools.cycle((alive("aaaaaaaaaaaa"), alive(BUILD)))
            self.green.answers["/livez"] = lambda: next(several)
            status, said = self.deploy("release", NEW)
            self.assertEqual((status, self.cloud.changes()[-1]), (1, "ROLLBACK"), said)
            self.assertIn("more than one build", said)

    def test_waiting_is_said_once_a_minute(self):
        said = io.StringIO()
        clock = (0, 10, 59, 61, 119, 121)
        with mock.patch("time.monotonic", side_effect=clock), contextlib.redirect_stdout(said):
            waiting = deploy_say.Waiting()
            for _ in clock:
                waiting.say("stack: UPDATE_IN_PROGRESS")
        self.assertEqual(re.findall("UPDATE_IN_PROGRESS(.*)", said.getvalue()), ["", ", 1 min", ", 2 min"])

    def test_colour_is_for_terminals(self):
        self.cloud.health = ["unhealthy"]
        self.assertNotIn("\033", self.deploy("release", NEW)[1])
        said = self.deploy("release", NEW, terminal=True)[1]
        for word in ("  \033[32mok\033[0m  ", "  \033[31mNO\033[0m  ", "\033[31mscripts/deploy: refused"):
            self.assertIn(word, said)
        self.env["NO_COLOR"] = "1"
        self.assertNotIn("\033", self.deploy("release", NEW, terminal=True)[1])

    def test_plan_and_status_change_nothing(self):
        for words in (("plan",), ("plan", NEW), ("status",)):
            status, said = self.deploy(*words)
            self.assertEqual((status, self.cloud.changes()), (0, []), said)
        self.assertIn(OLD, said)
        self.cloud.health = ["unhealthy"]
        self.assertEqual([self.deploy(what)[0] for what in ("plan", "status")], [1, 1])

    def test_dry_run_calls_nothing_and_says_what_is_called(self):
        file = self.file(self.cloud.template + "#\n")
        for words in (("release", NEW), ("release", NEW, "--template", file, "--force")):
            self.reset()
            status, said = self.deploy(*words, "--dry-run", "--region", REGION)
            self.assertEqual((status, self.cloud.calls), (0, []), said)
            said = [line.split()[2] for line in said.splitlines()]
            self.assertEqual(self.deploy(*words)[0], 0)
            self.assertEqual([*dict.fromkeys(said)], [*dict.fromkeys(words[1] for words in self.cloud.calls)])
            self.assertEqual(len([word for word in said if not word.startswith(LOOKS)]), len(RELEASED))
        for words in (("rollback",), ("rollback", "--template", file), ("status",), ("plan", NEW)):
            self.reset()
            self.was_released((OLD, NGINX), (NEW, NGINX))
            status, said = self.deploy(*words, "--dry-run")
            self.assertEqual((status, self.cloud.calls), (0, []))
            self.deploy(*words)
            called = {words[1] for words in self.cloud.calls}
            self.assertEqual(called, {line.split()[2] for line in said.splitlines()}, words)

    def test_wrong_usage(self):
        for words in ((), ("launch",), ("release",), ("release", "agrobridge:latest"),
                      ("release", NEW.partition("@")[0]), ("release", NEW, "--nginx", "nginx"), ("rollback", NEW),
                      ("status", NEW), ("release", NEW, "--bake"), ("rollback", "--revision", BUILD),
                      ("release", NEW, "--template", "/nonexistent"), ("status", "--template", __file__)):
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
        status, said = self.program("release", NEW)
        self.assertEqual(status, 1)
        self.assertIn("the aws command line is missing", said)
        self.assertIn("2.34.49", said)

    def test_the_probe_has_the_length_of_a_public_code(self):
        length = re.search(r"PUBLIC_CODE_LENGTH = (\d+)", (SOURCE / "src/store/lot.h").read_text())[1]
        self.assertTrue(any(re.fullmatch(f"/t/0{{{length}}}", path) for path, *_ in green.PROBES),
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
            aws.check_aws()
        except deploy.Failure as why:
            self.skipTest(str(why))
        calls = {}
        for arrange, words in ((lambda: None, ("release", NEW)),
                               (lambda: None, ("release", OLD, "--template", self.file(self.cloud.template + "#\n"))),
                               *((arrange, ("rollback",)) for arrange in (self.pause, self.bake,
                                                                          self.update_of_something))):
            self.reset()
            arrange()
            self.deploy(*words)
            calls |= {(*words[:2], "--template-body" in words): words for words in self.cloud.calls}
        self.assertEqual({call[:2] for call in calls}, {tuple(call.split()[:2]) for call in aws.CALLS.values()})
        with socket.socket() as nobody:
            nobody.bind((LOOPBACK, 0))
            env = os.environ | {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{nobody.getsockname()[1]}",
                                "AWS_MAX_ATTEMPTS": "1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                                "AWS_DEFAULT_REGION": REGION}

            def ask(words):
                return subprocess.run(["aws", *words], env=env, capture_output=True, text=True, check=False).stderr

            with ThreadPoolExecutor(4) as several:  # each waits more than it works
                for words, said in zip(calls.values(), several.map(ask, calls.values())):
                    self.assertIn("Could not connect to the endpoint URL", said, words)


if __name__ == "__main__":
    unittest.main()
