#!/usr/bin/env python3
"""The templates pass the rules of tools/check-cloud as they are; each rule complains of a mistake planted for it."""
import importlib.util
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("AGROBRIDGE_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# (the rule that must complain, file, what is there, what is planted instead)
MISTAKES = (
    ("plain_yaml", "edge", "      DefaultActions:\n", "      DefaultActions: &actions\n"),
    ("hardened_containers", "service", "          ReadonlyRootFilesystem: true\n", ""),
    ("hardened_containers", "service", "          User: 10001:10001\n", "          User: '0'\n"),
    ("hardened_containers", "service", "Capabilities: {Drop: [ALL]}", "Capabilities: {Drop: [NET_RAW]}"),
    ("hardened_containers", "service", "Drop: [ALL]", "Drop: [ALL], Add: [SYS_PTRACE]"),
    ("hardened_containers", "service", "          Memory: 512\n", ""),
    ("hardened_containers", "service", "      LaunchType: FARGATE\n",
     "      LaunchType: FARGATE\n      EnableExecuteCommand: true\n"),
    ("images_by_digest", "service", "Image: !Ref AppImage", "Image: agrobridge/app:latest"),
    ("images_by_digest", "service", "AllowedPattern: '.+@sha256:[0-9a-f]{64}'", "AllowedPattern: '.+'"),
    ("secrets_by_reference", "service", "'${Secret}:password::'", "'${Secret}'"),
    ("secrets_by_reference", "service", "postgresql://agrobridge_${DatabaseRole}@",
     "postgresql://agrobridge_a:secret@"),
    ("secrets_by_reference", "service", "AGROBRIDGE_REDIS_USER, Value: agrobridge",
     "AGROBRIDGE_REDIS_PASSWORD, Value: x"),
    ("tls_to_postgresql", "service", "AGROBRIDGE_DATABASE_CA, Value: /etc/ssl/certs/rds-ca.pem",
     "AGROBRIDGE_DATABASE_CA, Value: ''"),
    ("tls_to_postgresql", "data", "rds.force_ssl: '1'", "rds.force_ssl: '0'"),
    ("logs_without_values", "data", "log_parameter_max_length: '0'", "log_parameter_max_length: '-1'"),
    ("tls_to_redis", "service", "'rediss://", "'redis://"),
    ("tls_to_redis", "data", "TransitEncryptionMode: required", "TransitEncryptionMode: preferred"),
    ("tls_to_redis", "data", "      UserGroupIds: [!Ref RedisUsers]\n", ""),
    ("stores_survive_a_zone", "data", "MultiAZ: true", "MultiAZ: false"),
    ("stores_survive_a_zone", "data", "AutomaticFailoverEnabled: true", "AutomaticFailoverEnabled: false"),
    ("stores_survive_a_zone", "data", "    Default: 2\n    MinValue: 2\n", "    Default: 1\n"),
    ("stores_encrypted", "data", "StorageEncrypted: true", "StorageEncrypted: false"),
    ("stores_encrypted", "data", "AtRestEncryptionEnabled: true", "AtRestEncryptionEnabled: false"),
    ("kept", "data", "DeletionPolicy: Snapshot", "DeletionPolicy: Delete"),
    ("kept", "data", "    UpdateReplacePolicy: Snapshot\n", ""),
    ("kept", "data", "DeletionProtection: true", "DeletionProtection: false"),
    ("kept", "data", "BackupRetentionPeriod: 14", "BackupRetentionPeriod: 1"),
    ("private", "data", "PubliclyAccessible: false", "PubliclyAccessible: true"),
    ("private", "service", "AssignPublicIp: DISABLED", "AssignPublicIp: ENABLED"),
    ("private", "network", "CidrIp: !Ref TesterCidr", "CidrIp: 0.0.0.0/0"),
    ("private", "network", "(2[4-9]|3[0-2])'", "([0-9]|[12][0-9]|3[0-2])'"),
    ("private", "network", "FromPort: 5432, ToPort: 5432,\n       SourceSecurityGroupId: !Ref TaskGroup",
     "FromPort: 5432, ToPort: 5432,\n       CidrIp: 10.0.0.0/16"),
    ("private", "network", "FromPort: 6379, ToPort: 6379,\n       SourceSecurityGroupId: !Ref TaskGroup",
     "FromPort: 0, ToPort: 65535,\n       SourceSecurityGroupId: !Ref TaskGroup"),
    ("private", "edge", "BlockPublicPolicy: true", "BlockPublicPolicy: false"),
    ("least_privilege", "service", "Action: iam:PassRole\n                Resource: !GetAtt ServiceStarter.Arn",
     "Action: iam:PassRole\n                Resource: '*'"),
    ("least_privilege", "service", "Action: ecs:RunTask", "Action: ecs:*"),
    ("least_privilege", "service", "ecs:StopServiceDeployment, ecs:UpdateService]", "ecs:Stop*, ecs:UpdateService]"),
    ("secrets_by_reference", "service", "USER_PASSWORD\n              ValueFrom: !Sub\n                - '${Secret}:password::'",
     "USER_PASSWORD\n              ValueFrom: !Sub\n                - '${Secret}'"),
    ("balancer", "edge", "Value: weighted_random", "Value: least_outstanding_requests"),
    ("balancer", "edge", "deregistration_delay.timeout_seconds, Value: '20'",
     "deregistration_delay.timeout_seconds, Value: '300'"),
    ("balancer", "edge", "Value: strictest", "Value: monitor"),
    ("balancer", "edge", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-2016-08"),
    ("balancer", "edge", "deletion_protection.enabled, Value: 'true'", "deletion_protection.enabled, Value: 'false'"),
    ("scales_at_65", "service", "TargetValue: 65", "TargetValue: 80"),
    ("scales_at_65", "service", "      Cluster: !Ref Cluster\n",
     "      Cluster: !Ref Cluster\n      DesiredCount: 6\n"),
    ("scales_at_65", "service", "    Default: 6\n", "    Default: 3\n"),
    ("blue_green", "service", "Strategy: BLUE_GREEN", "Strategy: ROLLING"),
    ("blue_green", "service", "TargetType: PAUSE", "TargetType: AWS_LAMBDA"),
    ("blue_green", "service", "DeploymentCircuitBreaker: {Enable: true, Rollback: true}",
     "DeploymentCircuitBreaker: {Enable: true, Rollback: false}"),
    ("logs_end", "observe", ", RetentionInDays: !Ref LogDays", ""),
    ("logs_end", "edge", "Status: Enabled", "Status: Disabled"),
    ("alarms_help", "observe", " Do: ", " "),
    ("alarms_help", "observe", "docs/workers.md, An alarm for the trap", "docs/workers.md, No such heading"),
    ("alarms_help", "observe", "      AlarmActions: [!Ref Alarms]\n", ""),
    ("imports_have_exports", "service", "${Name}-green'", "${Name}-gren'"),
    ("imports_have_exports", "network", "${Name}-proxy-cidrs'", "${Name}-proxies'"),
    ("balanced_container", "service", "ContainerName: nginx\n          ContainerPort",
     "ContainerName: ngnix\n          ContainerPort"),
    ("balanced_container", "service", "ContainerPort: 8080\n", "ContainerPort: 80\n"),
    ("balanced_container", "service", "AGROBRIDGE_PORT, Value: '8080'", "AGROBRIDGE_PORT, Value: '8000'"),
    ("balanced_container", "network", "FromPort: 8080, ToPort: 8080", "FromPort: 80, ToPort: 80"),
    ("health_checks", "edge", "HealthCheckPath: /readyz", "HealthCheckPath: /ready"),
    ("health_checks", "edge", "HealthCheckPath: /readyz", "HealthCheckPath: /livez"),
    ("health_checks", "service", "status, --ready]", "status]"),
    ("rules_of_listeners", "edge", "ListenerArn: !Ref TestListener", "ListenerArn: !Ref HttpsListener"),
    ("rules_of_listeners", "edge", "{TargetGroupArn: !Ref Green, Weight: 0}", "{TargetGroupArn: !Ref Blue, Weight: 0}"),
    ("rules_of_listeners", "edge", "[/status, /metrics, ", "[/status, "),
    ("rules_of_listeners", "edge", "Priority: 10\n", "Priority: 200\n"),
    ("attribute_keys", "edge", "load_balancing.algorithm.anomaly_mitigation",
     "load_balancing.algorithm.anomaly.mitigation"),
    ("attribute_keys", "edge", "zonal_shift.config.enabled", "zonal_shift.enabled"),
    ("volumes", "service", "Volumes: [{Name: sockets}]", "Volumes: [{Name: socket}]"),
    ("volumes", "service", "ContainerPath: /run/agrobridge}] #", "ContainerPath: /run/sockets}] #"),
    ("images_agree", "service", "[CMD, /usr/bin/agrobridge,", "[CMD, /usr/local/bin/agrobridge,"),
    ("images_agree", "service", "/etc/ssl/certs/rds-ca.pem", "/etc/ssl/rds-ca.pem"),
    ("images_agree", "service", "ContainerPath: /run/agrobridge}] #", "ContainerPath: /run/sockets}] #"),
    ("starts_and_stops", "service", "ContainerName: app, Condition: START", "ContainerName: api, Condition: START"),
    ("starts_and_stops", "service", "ContainerName: app, Condition: START", "ContainerName: app, Condition: HEALTHY"),
    ("starts_and_stops", "service", "StopTimeout: 95", "StopTimeout: 75"),
    ("starts_and_stops", "service", "StopTimeout: 95", "StopTimeout: 118"),
    ("starts_and_stops", "service", "AGROBRIDGE_DRAIN_MS, Value: '15000'", "AGROBRIDGE_DRAIN_MS, Value: '30000'"),
    ("keepalive", "edge", "idle_timeout.timeout_seconds, Value: '60'", "idle_timeout.timeout_seconds, Value: '90'"),
    ("connections", "service", "    Default: 14\n", "    Default: 20\n"),
    ("connections", "service", "    Default: 12\n", "    Default: 24\n"),
    ("connections", "data", "    Default: 400\n", "    Default: 380\n"),
    ("connections", "service", "AGROBRIDGE_MAX_TASKS, Value: !Ref MaxTasks", "AGROBRIDGE_MAX_TASKS, Value: '2'"),
    ("sizes", "service", "App: 6656", "App: 7680"),
    ("sizes", "service", "{Cores: '2'", "{Cores: '1'"),
    ("settings_exist", "service", "AGROBRIDGE_LOG_LEVEL", "AGROBRIDGE_LOGLEVEL"),
    ("settings_exist", "service", "    Default: 14\n", "    Default: 1000\n"),
    ("commands_exist", "service", "Command: [migrate]", "Command: [migrte]"),
    ("redis_user", "data", " +eval", ""),
    ("redis_user", "data", "+ping", "+ping +keys"),
    ("redis_user", "data", "~l:*", "~*"),
    ("redis_user", "data", "on ~s:*", "on +get ~s:*"),
    ("redis_user", "data", " -@all", ""),
    ("metrics_exist", "observe", "MetricName: queue_age_p99", "MetricName: queue_age"),
    ("metrics_exist", "observe", '"AgroBridge", "waiting"', '"AgroBridge", "wating"'),
    ("metrics_exist", "observe", '{"stat": "Sum"}],\n', '{"stat": "Sum"}]\n'),
    ("metrics_exist", "observe", "Value: agrobridge}", "Value: agro}"),
    ("metrics_exist", "observe", "MetricName: workers_stuck", "MetricName: stuck"),
    ("releaser_may_release", "service", "ecs:ContinueServiceDeployment, ", ""),
    ("releaser_may_release", "service", "Action: logs:GetLogEvents", "Action: logs:FilterLogEvents"),
)


@unittest.skipUnless(importlib.util.find_spec("yaml"), "python3-yaml is not installed; scripts/test installs it")
class Cloud(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, os.path.join(SOURCE, "tools"))
        cls.rules = importlib.import_module("check_cloud_rules")

    def test_each_mistake_is_found_by_its_rule(self):
        for rule, name, old, new in MISTAKES:
            with self.subTest(rule=rule, file=name, planted=new or f"no {old}"):
                file = f"container/aws/{name}.yaml"
                with open(os.path.join(SOURCE, file), encoding="utf-8") as opened:
                    text = opened.read()
                self.assertIn(old, text, "the mistake finds no place")
                found = self.rules.faults(SOURCE, instead={file: text.replace(old, new, 1)})
                self.assertTrue(any(f"[{rule}]" in f or f"[{rule}," in f for f in found), "nobody complains")

    def test_each_rule_has_a_mistake(self):
        self.assertEqual({m[0] for m in MISTAKES}, {r.__name__ for r in self.rules.RULES})

    def run_tool(self, *options):
        done = subprocess.run([os.path.join(SOURCE, "tools/check-cloud"), "--rules", *options], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def test_the_templates_pass(self):
        self.assertEqual(self.run_tool(), (0, "ok cloud\n"))

    def test_other_parameters_are_judged(self):
        self.assertEqual(self.run_tool("Workers=10", "MaxTasks=16"), (0, "ok cloud\n"))
        status, said = self.run_tool("Workers=20")
        self.assertEqual(status, 1)
        self.assertIn("[connections, Workers=20]", said)
        status, said = self.run_tool("MaxConnections=399")
        self.assertEqual(status, 1)
        self.assertIn("360 + 40 connections do not fit max_connections 399 [connections", said)
        self.assertEqual(self.run_tool("Wrokers=20"), (1, "check-cloud: there is no parameter Wrokers\n"))


if __name__ == "__main__":
    unittest.main()
