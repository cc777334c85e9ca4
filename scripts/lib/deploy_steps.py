"""What a release does, a step each. All state is in AWS: each step may be begun again by another who runs it."""

import json
import time

from deploy_checks import check_weights
from deploy_green import test_green
from deploy_images import digest_of, same, short
from deploy_say import GREEN, RED, Waiting, say
from deploy_state import State
from service import Failure


def template_words(file):
    return ["--template-body", f"file://{file}"] if file else ["--use-previous-template"]


class Deployer(State):
    def __init__(self, options):
        super().__init__(options)
        self.interval, self.build, self.role = options.interval, options.revision, options.role
        self.answered = set()  # hooks, and deployments told to roll back; AWS may still show them as they were

    def update(self, template=None, **changed):
        """Whether there was anything to update: of an interrupted release there may be nothing left."""
        known = self.template_parameters() if template else self.parameters
        parameters = [{"ParameterKey": key, "ParameterValue": changed[key]} if key in changed else
                      {"ParameterKey": key, "UsePreviousValue": True}
                      for key in known if key in changed or key in self.parameters]
        said = [f"{key} {short(value) if '@' in value else value}" for key, value in changed.items()]
        say("stack: " + ", ".join(said + ([f"template {template}"] if template else [])))
        try:
            self.aws("update", stack=self.stack_name, template=template_words(template),
                     parameters=json.dumps(parameters))
        except Failure as failure:
            if "No updates are to be performed" not in str(failure):
                raise
            return False
        return True

    def role_as(self, parameter):
        return {parameter: self.role} if self.role else {}

    def changes_role(self):
        return bool(self.role) and self.parameters.get("DatabaseRole") != self.role

    def wait_for_stack(self):
        waiting = Waiting()
        self.read_stack()
        while self.busy():
            waiting.say(f"stack: {self.status}")
            time.sleep(self.interval)
            self.read_stack()

    def migrate(self, image):
        """The schema, by the new image: green prepares its statements on it. `migrate` may run twice."""
        if self.update(MigrateImage=image, **self.role_as("MigrateRole")):
            self.wait_for_stack()
            if self.status != "UPDATE_COMPLETE":
                raise Failure(f"stack {self.stack_name} is {self.status}",
                              hint="its events say why; clients see no change")
        arn = self.migrate_task(image)
        task = self.wait_for_task(arn)
        try:
            for event in self.aws("log", log_group=self.log_group, id=arn.rpartition("/")[2])["events"]:
                say(f"    {event['message']}")
        except Failure as failure:
            say(f"    no log: {failure}")
        status = task["containers"][0].get("exitCode")
        if status != 0:
            raise Failure(f"migrate ended with {status}: {task.get('stoppedReason', '')}",
                          hint="clients see no change: the service was not touched. Mend it and release again")
        say("migrate: exit status 0")

    def migrate_task(self, image):
        """The ARN of the one that runs, or else of a new one."""
        cluster, mark = self.where["cluster"], "deploy-" + digest_of(image)[7:19]
        found = self.aws("tasks", cluster=cluster, mark=mark)["taskArns"]
        if found:
            return found[0]
        network = {"awsvpcConfiguration": {"subnets": self.subnets.split(","), "securityGroups": [self.group],
                                           "assignPublicIp": "DISABLED"}}
        answer = self.aws("run", cluster=cluster, definition=self.outputs["MigrateTask"], mark=mark,
                          network=json.dumps(network))
        if answer.get("failures"):
            raise Failure(f"migrate did not start: {answer['failures'][0].get('reason')}")
        return answer["tasks"][0]["taskArn"]

    def wait_for_task(self, arn):
        waiting = Waiting()
        while True:
            task = self.aws("task", cluster=self.where["cluster"], task=arn)["tasks"][0]
            status = task["lastStatus"]
            if status == "STOPPED":
                return task
            waiting.say(f"migrate: {status}")
            time.sleep(self.interval)

    def follow(self, wanted):
        """Until stack and service rest. Tests what waits behind the test listener, and lets ECS go on, or back. Returns
        the deployment."""
        last, waiting = None, Waiting()
        while True:
            self.read_stack()
            self.deployment = self.running_deployment()
            if self.deployment:
                last = self.deployment["serviceDeploymentArn"]
                waiting.say(self.stage(), self.bake_minutes(), self.progress())
                self.answer_hooks(wanted)
            elif self.busy():
                waiting.say(f"stack: {self.status}")
            else:
                return last and self.read_deployment(last)
            time.sleep(self.interval)

    def answer_hooks(self, wanted):
        d = self.deployment
        if d["status"] != "IN_PROGRESS" or d["serviceDeploymentArn"] in self.answered:
            return
        for hook in d.get("lifecycleHookDetails", ()):
            if hook["status"] == "AWAITING_ACTION" and hook["hookId"] not in self.answered:
                self.answered.add(hook["hookId"])
                faults = self.faults_of_green(wanted)
                for fault in faults:
                    say(f"green: {fault}", RED)
                if faults:
                    say("green: bad: ECS goes back to blue, no client saw it", RED)
                else:
                    say("green: good: continue", GREEN)
                self.aws("continue", deployment=d["serviceDeploymentArn"], hook=hook["hookId"],
                         action="ROLLBACK" if faults else "CONTINUE")

    def faults_of_green(self, wanted):
        """First that it is green which is tested, then the tests."""
        green = self.green()
        self.read_rules()
        leads = [group for group, weight in self.test.items() if weight]
        if leads != [green["group"]] or self.production.get(green["group"]):
            return ["the test listener does not lead to green alone"]
        released = not self.goes_back()
        if released and not (wanted and same(green["images"], wanted)):
            return [f"it is {short(green['images']['app'])}, which nobody releases now"]
        faults, builds = test_green(*self.test_address(), self.build if released else None)
        for build in builds:
            say(f"green: {build}")
        return faults

    def stop(self):
        d = self.deployment
        if d["status"] in ("PENDING", "IN_PROGRESS"):
            hooks = [h["hookId"] for h in d.get("lifecycleHookDetails", ()) if h["status"] == "AWAITING_ACTION"]
            if hooks:
                self.aws("continue", deployment=d["serviceDeploymentArn"], hook=hooks[0], action="ROLLBACK")
            else:
                self.aws("stop", deployment=d["serviceDeploymentArn"])
        self.answered.add(d["serviceDeploymentArn"])

    def release(self, wanted):
        """Sends the images, and the template where one was given; 0 when the clients have them."""
        self.update(self.template, AppImage=wanted["app"], NginxImage=wanted["nginx"],
                    **self.role_as("DatabaseRole"))
        return self.judge(wanted, self.follow(wanted))

    def judge(self, wanted, deployment):
        """After follow(): 0 when the clients have `wanted`."""
        self.read_service()
        self.read_rules()
        if self.status.endswith("_COMPLETE") and not self.goes_back() and self.runs(wanted):
            return self.done(wanted)
        d = deployment or {}
        reasons = [f"stack {self.status}", d.get("status"), d.get("statusReason"), d.get("rollback", {}).get("reason"),
                   *d.get("alarms", {}).get("triggeredAlarmNames", ())]
        raise Failure(f"not released: {', '.join(filter(None, reasons))}", hint=(
            f"aws cloudformation continue-update-rollback --stack-name {self.stack_name}"
            if self.status == "UPDATE_ROLLBACK_FAILED" else
            f"clients have {short(self.revision['images']['app'])} again; mend it and release again"
            if not self.runs(wanted) else "scripts/deploy status, scripts/deploy rollback"))

    def done(self, wanted):
        why = check_weights(self, wanted)
        if why:
            raise Failure(f"the weights of the production rule: {why}")
        say(f"clients: {self.clients_see()}")
        say(f"done: {short(wanted['app'])}, {self.tasks}", GREEN)
        return 0
