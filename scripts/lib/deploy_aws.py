"""The `aws` command line: every call there is, and how one is made."""

import json
import os
import re
import subprocess

from deploy_say import without_password
from service import Failure

LEAST_AWS = {1: (1, 45, 10), 2: (2, 34, 49)}  # the first that know continue-service-deployment: May 2026
LOG_LINES = 20

# {names} are filled in later; in --dry-run what only AWS knows stays <name>.
CALLS = {
    "stack": "cloudformation describe-stacks --stack-name {stack}",
    "exports": "cloudformation list-exports",
    "template": "cloudformation get-template --stack-name {stack} --template-stage Original",
    "update": "cloudformation update-stack --stack-name {stack} {template} --capabilities CAPABILITY_IAM"
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
    "deployments": "ecs list-service-deployments --cluster {cluster} --service {service} --status {statuses}"
                   " --max-results 100",
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


class Aws:
    def __init__(self, region):
        self.last = ["--output", "json", *(["--region", region] if region else [])]

    def words(self, name, values):
        """Of one call; a {name} that stands alone may be many words."""
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
