"""What AWS has: the stack, the service and its revisions, the load balancer's rules, the deployment that runs."""

import re
from pathlib import Path
from urllib.parse import urlparse

import deploy_green as green
from deploy_aws import Aws
from deploy_images import same
from service import SOURCE, Failure

TEMPLATE = SOURCE / "container/aws/service.yaml"
RUNNING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


class State:
    def __init__(self, options):
        self.aws, self.stack_name, self.template = Aws(options.region), options.stack, options.template

    def look(self):
        """Everything the checks judge."""
        self.read_stack()
        name = self.parameters["Name"]
        exports = {e["Name"]: e["Value"] for e in self.aws("exports")["Exports"]}
        try:
            url, self.app_images, self.nginx_images, self.subnets, self.group, self.log_group = (
                exports[f"{name}-{what}"] for what in
                ("url", "app-images", "nginx-images", "private-subnets", "task-group", "task-logs"))
            self.rules = {f"{which}_rule": exports[f"{name}-{which}-rule"] for which in ("production", "test")}
            self.where = {"cluster": self.outputs["Cluster"], "service": self.outputs["Service"]}
        except KeyError as missing:
            raise Failure(f"there is no {missing}: is {self.stack_name} the service's stack, and this its region?",
                          hint="--stack NAME, --region REGION") from None
        self.url = urlparse(url)
        self.read_service()
        self.read_rules()
        self.deployment = self.running_deployment()

    # --- the stack ---

    def read_stack(self):
        stack = self.aws("stack", stack=self.stack_name)["Stacks"][0]
        self.status = stack["StackStatus"]
        self.parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", ())}
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}

    def busy(self):
        return self.status.endswith("_IN_PROGRESS")

    def goes_back(self):
        return "ROLLBACK" in self.status

    def images(self):
        """As the stack says them; while it is being updated, those to come."""
        return {"app": self.parameters["AppImage"], "nginx": self.parameters["NginxImage"]}

    def has_template(self, file):
        """Whether the stack was made of this file's text."""
        deployed = self.aws("template", stack=self.stack_name)["TemplateBody"]
        return isinstance(deployed, str) and deployed.strip() == Path(file).read_text().strip()

    def template_parameters(self):
        """Of the template to be sent with the release: {name: whether it has a default}. Read as far as our templates
        go; the rest CloudFormation judges."""
        section = re.search(r"^Parameters:\n((?: .*\n|\n)*)", Path(self.template).read_text(), re.MULTILINE)
        return {name: "\n    Default:" in rest for name, rest in
                re.findall(r"^  (\w+):((?:\n    .*)*)", section[1] if section else "", re.MULTILINE)}

    # --- the service ---

    def read_service(self):
        """While no deployment runs, the service has one revision."""
        service = self.aws("service", **self.where)["services"][0]
        self.tasks = f"{service['runningCount']} of {service['desiredCount']} tasks"
        self.revision = self.read_revisions([service["currentServiceRevisions"][-1]["arn"]])[0]

    def read_revisions(self, arns):
        """Of each: its images, and the target group that ECS gave it."""
        found = []
        for r in self.aws("revisions", revisions=arns)["serviceRevisions"]:
            resolved = r.get("resolvedConfiguration", {}).get("loadBalancers", ())
            images = {c["containerName"]: f"{c['image'].partition('@')[0]}@"
                      f"{c['image'].partition('@')[2] or c.get('imageDigest')}" for c in r["containerImages"]}
            groups = {b.get("productionListenerRule"): b["targetGroupArn"] for b in resolved}
            found.append({"arn": r["serviceRevisionArn"], "group": groups.get(self.rules["production_rule"]),
                          "images": {name: images[name] for name in ("app", "nginx")}})
        order = {arn: place for place, arn in enumerate(arns)}
        return sorted(found, key=lambda r: order[r["arn"]])

    def runs(self, wanted):
        return same(self.revision["images"], wanted)

    def before(self):
        """(the images of the releases before this one, oldest first; whether this one was gone back to). To release
        what was there before is to go back: what came in between was taken back, and is no way back any more."""
        line, gone_back = [], False
        for images in [*(r["images"] for r in self.history()), self.revision["images"]]:
            if images not in line:
                line.append(images)
                gone_back = False
            elif images != line[-1]:
                del line[line.index(images) + 1:]
                gone_back = True
        return line[:-1], gone_back

    def history(self):
        """Revisions, oldest first, 20 at most: one call describes no more. ECS forgets old deployments, so what the
        oldest of them replaced is the first."""
        found = self.aws("deployments", **self.where, statuses=["SUCCESSFUL"])["serviceDeployments"]
        if not found:
            return []
        newest = sorted(found, key=lambda d: d["createdAt"])[-19:]
        oldest = self.read_deployment(newest[0]["serviceDeploymentArn"])
        return self.read_revisions([*(r["arn"] for r in oldest.get("sourceServiceRevisions", ())[:1]),
                                    *(d["targetServiceRevisionArn"] for d in newest)])

    # --- the load balancer ---

    def read_rules(self):
        """Weights by target group of the production rule and of the test rule."""
        rules = {r["RuleArn"]: r for r in self.aws("rules", **self.rules)["Rules"]}
        self.production, self.test = (
            {g["TargetGroupArn"]: g.get("Weight", 1) for action in rules[arn]["Actions"]
             for g in action.get("ForwardConfig", {}).get("TargetGroups", ())} for arn in self.rules.values())

    def test_address(self):
        """(host, port) of the test listener. A rule's ARN is its listener's with one part more."""
        arn = self.rules["test_rule"].replace(":listener-rule/", ":listener/").rpartition("/")[0]
        listener = self.aws("listener", test_listener=arn)["Listeners"][0]
        if listener["Protocol"] != "HTTPS":
            raise Failure(f"the test listener speaks {listener['Protocol']}, not HTTPS")
        return self.url.hostname, listener["Port"]

    def clients_see(self):
        return green.build_at(self.url.hostname, self.url.port or 443)

    # --- the deployment ---

    def running_deployment(self):
        found = self.aws("deployments", **self.where, statuses=RUNNING)["serviceDeployments"]
        return self.read_deployment(found[0]["serviceDeploymentArn"]) if found else None

    def read_deployment(self, arn):
        return self.aws("deployment", deployment=arn)["serviceDeployments"][0]

    def green(self):
        return self.read_revisions([self.deployment["targetServiceRevision"]["arn"]])[0]

    def stage(self):
        return f"ECS: {self.deployment['status']} {self.deployment.get('lifecycleStage', '')}".rstrip()

    def bake_minutes(self):
        """How many, while it bakes."""
        d = self.deployment
        return d["deploymentConfiguration"]["bakeTimeInMinutes"] if d.get("lifecycleStage") == "BAKE_TIME" else None

    def progress(self):
        green = self.deployment.get("targetServiceRevision", {})
        return (f", green {green.get('runningTaskCount', 0)} of {green.get('requestedTaskCount', 0)} tasks,"
                f" clients {green.get('requestedProductionTrafficWeight', 0):.0f} %")
