"""What the templates must have to be safe: each rule is a function that yields (where, what is wrong)."""
import re

from check_cloud_stack import environment

RULES = []

# Actions and resources as wide as `*`, with the reason.
WIDE = {
    "cloudformation:ListExports": "knows no resource; only reads",
    "cloudwatch:GetMetricStatistics": "knows no resource; only reads",
    "ecr:GetAuthorizationToken": "knows no resource: it is the registry's",
    "ecs:DeregisterTaskDefinition": "knows no resource; what runs goes on",
    "ecs:DescribeTaskDefinition": "knows no resource; only reads",
    "ecs:ListTasks": "is limited by a condition on the cluster",
    "ecs:RegisterTaskDefinition": "knows no resource; its roles are limited by iam:PassRole",
    "elasticloadbalancing:DescribeListeners": "knows no resource; only reads",
    "elasticloadbalancing:DescribeRules": "knows no resource; only reads",
    "elasticloadbalancing:DescribeTargetGroups": "knows no resource; only reads",
    "elasticloadbalancing:DescribeTargetHealth": "knows no resource; only reads",
}
BALANCER = {
    "deletion_protection.enabled": "true",
    "zonal_shift.config.enabled": "true",
    "routing.http.desync_mitigation_mode": "strictest",
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.xff_header_processing.mode": "append",
    "access_logs.s3.enabled": "true",
}
TARGETS = {
    "load_balancing.algorithm.type": "weighted_random",
    "load_balancing.algorithm.anomaly_mitigation": "on",
}
PUBLIC = {"AlbGroup": {80, 443}}  # security group -> ports that are everybody's


def rule(function):
    RULES.append(function)
    return function


def attributes(resource, key):
    return {a["Key"]: a["Value"] for a in resource.properties.get(key, [])}


def differing(where, have, wanted):
    for key, value in wanted.items():
        if have.get(key) != value:
            yield where, f"{key} is {have.get(key)!r}, not {value!r}"


@rule
def plain_yaml(stack):
    """CloudFormation knows neither aliases nor merges."""
    for template in stack.templates:
        for number, line in enumerate(template.text.split("\n"), 1):
            if re.search(r"(^|[ \[{,])[&*][A-Za-z_]\w*([ ,\]}]|$)|<<:", re.sub(r"'[^']*'|\"[^\"]*\"|#.*", "", line)):
                yield f"{template.file}:{number}", "a YAML alias, anchor or merge"


@rule
def hardened_containers(stack):
    """No container can change itself, has a capability, or takes more memory than its own."""
    for task, c in stack.containers():
        where = f"{task} {c['Name']}"
        yield from differing(where, c, {"ReadonlyRootFilesystem": True, "User": "10001:10001", "Essential": True})
        capabilities = c.get("LinuxParameters", {}).get("Capabilities", {})
        yield from differing(where, capabilities, {"Drop": ["ALL"], "Add": None})
        if not isinstance(c.get("Memory"), int):
            yield where, "no hard Memory"
        if c.get("Privileged") or "EntryPoint" in c:
            yield where, "Privileged or EntryPoint"
    for service in stack.all("ECS::Service"):
        if service.properties.get("EnableExecuteCommand"):
            yield service, "EnableExecuteCommand opens a shell"


@rule
def images_by_digest(stack):
    """A tag may be another image tomorrow."""
    patterns = {f"${{{n}}}": p.get("AllowedPattern", "") for t in stack.templates for n, p in t.parameters.items()}
    for task, c in stack.containers():
        if not patterns.get(c["Image"], c["Image"]).endswith("@sha256:[0-9a-f]{64}"):
            yield f"{task} {c['Name']}", f"image {c['Image']} may be without a digest"


@rule
def secrets_by_reference(stack):
    """A password is never in the environment of a task definition, and a secret is one key of JSON."""
    secret = set(re.findall(r"^SECRET\((\w+)", stack.source("src/conf/conf.def"), re.M))
    for task, c in stack.containers():
        where = f"{task} {c['Name']}"
        for name, value in environment(c).items():
            if name.endswith("PASSWORD") or name[11:] in secret and re.search(r"://[^/]*:[^/@]*@|OWNER", name + value):
                yield where, f"{name} is a secret in the open"
        for s in c.get("Secrets", []):
            if not re.search(r":\w+::$", s["ValueFrom"]):
                yield where, f"{s['Name']} does not name a key of its secret"


@rule
def tls_to_postgresql(stack):
    """Certificate and name verified by the client (DATABASE_CA means verify-full), TLS demanded by the server."""
    for task, c in stack.containers():
        names = {**environment(c), **{s["Name"]: "" for s in c.get("Secrets", [])}}
        if any("DATABASE" in n for n in names) and not names.get("AGROBRIDGE_DATABASE_CA"):
            yield f"{task} {c['Name']}", "AGROBRIDGE_DATABASE_CA is not set"
        if "sslmode" in names.get("AGROBRIDGE_DATABASE_URL", ""):
            yield f"{task} {c['Name']}", "sslmode stands in the URL"
    for group in stack.all("RDS::DBParameterGroup"):
        yield from differing(group, group.properties["Parameters"], {"rds.force_ssl": "1"})


@rule
def logs_without_values(stack):
    """PostgreSQL logs a slow statement without its values: they are people's, and hashes of passwords."""
    for group in stack.all("RDS::DBParameterGroup"):
        yield from differing(group, group.properties["Parameters"], {"log_parameter_max_length": "0"})


@rule
def tls_to_redis(stack):
    """The same for Redis; the system's authorities are its own."""
    for task, c in stack.containers():
        if not environment(c).get("AGROBRIDGE_REDIS_URL", "rediss://").startswith("rediss://"):
            yield f"{task} {c['Name']}", "AGROBRIDGE_REDIS_URL is not rediss://"
    for redis in stack.all("ElastiCache::ReplicationGroup"):
        yield from differing(redis, redis.properties, {"TransitEncryptionEnabled": True,
                                                       "TransitEncryptionMode": "required"})
        if not redis.properties.get("UserGroupIds"):
            yield redis, "no UserGroupIds: anybody may do anything"


@rule
def stores_survive_a_zone(stack):
    """A second node of each store stands in another zone and takes over by itself."""
    for database in stack.all("RDS::DBInstance"):
        yield from differing(database, database.properties, {"MultiAZ": True})
    for redis in stack.all("ElastiCache::ReplicationGroup"):
        yield from differing(redis, redis.properties, {"MultiAZEnabled": True, "AutomaticFailoverEnabled": True})
        if redis.properties["NumCacheClusters"] < 2:
            yield redis, "one node"


@rule
def stores_encrypted(stack):
    """At rest too."""
    for database in stack.all("RDS::DBInstance"):
        yield from differing(database, database.properties, {"StorageEncrypted": True})
    for redis in stack.all("ElastiCache::ReplicationGroup"):
        yield from differing(redis, redis.properties, {"AtRestEncryptionEnabled": True})
    for bucket in stack.all("S3::Bucket"):
        if not bucket.properties.get("BucketEncryption"):
            yield bucket, "no BucketEncryption"


@rule
def kept(stack):
    """What cannot be made again outlives a mistake: by backups, snapshots, protection."""
    wanted = {"RDS::DBInstance": "Snapshot", "S3::Bucket": "Retain", "ECR::Repository": "Retain"}
    for kind, policy in wanted.items():
        for resource in stack.all(kind):
            yield from differing(resource, resource.attributes,
                                 {"DeletionPolicy": policy, "UpdateReplacePolicy": policy})
    for secret in stack.all("SecretsManager::Secret"):
        if "GenerateSecretString" in secret.properties:
            yield from differing(secret, secret.attributes,
                                 {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"})
    for database in stack.all("RDS::DBInstance"):
        yield from differing(database, database.properties,
                             {"DeletionProtection": True, "DeleteAutomatedBackups": False})
        if database.properties["BackupRetentionPeriod"] < 14:
            yield database, "backups of less than 14 days"


@rule
def private(stack):
    """Only the load balancer has a public address, and only 80 and 443 are everybody's."""
    for database in stack.all("RDS::DBInstance"):
        yield from differing(database, database.properties, {"PubliclyAccessible": False})
    for service in stack.all("ECS::Service"):
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        yield from differing(service, network, {"AssignPublicIp": "DISABLED"})
    for bucket in stack.all("S3::Bucket"):
        block = bucket.properties.get("PublicAccessBlockConfiguration", {})
        yield from differing(bucket, block, dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True))
    entries = [(g, g.name, entry) for g in stack.all("EC2::SecurityGroup")
               for entry in g.properties.get("SecurityGroupIngress", [])]
    entries += [(e, e.properties["GroupId"][2:-1], e.properties) for e in stack.all("EC2::SecurityGroupIngress")]
    narrow = {f"${{{n}}}" for t in stack.templates for n, p in t.parameters.items()
              if re.search(r"/\(2\[4-9\]\|3\[0-2\]\)$", p.get("AllowedPattern", ""))}
    for where, group, entry in entries:
        addresses = entry.get("CidrIp", entry.get("CidrIpv6"))
        ports = range(entry.get("FromPort", 0), entry.get("ToPort", 65535) + 1)
        if len(ports) > 1:
            yield where, f"ports {ports.start} to {ports.stop - 1}"
        elif addresses and addresses not in narrow and ports.start not in PUBLIC.get(group, ()):
            yield where, f"port {ports.start} is open to {addresses}"


@rule
def least_privilege(stack):
    """No `*` in what is allowed, but for the reasons above."""
    for role in stack.all("IAM::Role") + stack.all("IAM::ManagedPolicy") + stack.all("S3::BucketPolicy"):
        policies = role.properties.get("Policies", [role.properties])
        for statement in (s for p in policies if "PolicyDocument" in p for s in p["PolicyDocument"]["Statement"]):
            actions, resources = (statement[k] if isinstance(statement[k], list) else [statement[k]]
                                  for k in ("Action", "Resource"))
            if statement["Effect"] == "Allow" and not set(actions) <= set(WIDE):
                for wide in [a for a in actions if "*" in a] + [r for r in resources if r == "*"]:
                    yield role, f"{wide} is allowed ({', '.join(actions)})"


@rule
def balancer(stack):
    """Strict with requests, kind to targets; TLS 1.3; plain HTTP is only sent elsewhere."""
    for alb in stack.all("ElasticLoadBalancingV2::LoadBalancer"):
        yield from differing(alb, attributes(alb, "LoadBalancerAttributes"), BALANCER)
    for group in stack.all("ElasticLoadBalancingV2::TargetGroup"):
        have = attributes(group, "TargetGroupAttributes")
        yield from differing(group, have, TARGETS)
        if not 10 <= int(have.get("deregistration_delay.timeout_seconds", 300)) <= 30:
            yield group, "deregistration delay is not 10 to 30 s"
    for listener in stack.all("ElasticLoadBalancingV2::Listener"):
        secure = listener.properties.get("SslPolicy", "").startswith("ELBSecurityPolicy-TLS13-1-")
        if listener.properties["Protocol"] == "HTTP":
            if [a["Type"] for a in listener.properties["DefaultActions"]] != ["redirect"]:
                yield listener, "plain HTTP is answered"
        elif not secure:
            yield listener, f"SslPolicy {listener.properties.get('SslPolicy')} knows no TLS 1.3"


@rule
def scales_at_65(stack):
    """Two policies: the service's CPU, and that of the tasks that serve while two colours run."""
    specifications = []
    for policy in stack.all("ApplicationAutoScaling::ScalingPolicy"):
        tracking = policy.properties["TargetTrackingScalingPolicyConfiguration"]
        yield from differing(policy, tracking, {"TargetValue": 65})
        specifications += [k for k in tracking if k.endswith("MetricSpecification")]
    if sorted(specifications) != ["CustomizedMetricSpecification", "PredefinedMetricSpecification"]:
        yield "container/aws/service.yaml", f"the policies track {specifications}"
    for target in stack.all("ApplicationAutoScaling::ScalableTarget"):
        low, high = target.properties["MinCapacity"], target.properties["MaxCapacity"]
        if low < 2 * stack.parameter("Zones") or high <= low:
            yield target, f"{low} to {high} tasks in {stack.parameter('Zones')} zones"
    for service in stack.all("ECS::Service"):
        if "DesiredCount" in service.properties:
            yield service, "DesiredCount would undo what scaling did"


@rule
def blue_green(stack):
    """A release is tried before clients see it, watched after, and taken back by itself."""
    for service in stack.all("ECS::Service"):
        p = service.properties
        d = p.get("DeploymentConfiguration", {})
        yield from differing(service, p, {"DeploymentController": {"Type": "ECS"},
                                          "AvailabilityZoneRebalancing": "ENABLED"})
        yield from differing(service, d, {"Strategy": "BLUE_GREEN", "MinimumHealthyPercent": 100,
                                          "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}})
        yield from differing(service, d.get("Alarms", {}), {"Enable": True, "Rollback": True})
        if not d.get("Alarms", {}).get("AlarmNames") or not d.get("BakeTimeInMinutes"):
            yield service, "nothing watches a release"
        hooks = [(h.get("TargetType"), h["LifecycleStages"], h.get("TimeoutConfiguration", {}).get("Action"))
                 for h in d.get("LifecycleHooks", [])]
        if ("PAUSE", ["POST_TEST_TRAFFIC_SHIFT"], "ROLLBACK") not in hooks:
            yield service, "green does not wait to be tested"


@rule
def logs_end(stack):
    """Every log has an age at which it is deleted."""
    for group in stack.all("Logs::LogGroup"):
        if not group.properties.get("RetentionInDays"):
            yield group, "no RetentionInDays"
    for bucket in stack.all("S3::Bucket"):
        rules = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
        if not any(r["Status"] == "Enabled" and r.get("ExpirationInDays") for r in rules):
            yield bucket, "nothing expires"


@rule
def alarms_help(stack):
    """Who is woken is told what to do, and where more stands."""
    for alarm in stack.all("CloudWatch::Alarm"):
        text = alarm.properties.get("AlarmDescription", "")
        if " Do: " not in text:
            yield alarm, "does not say what to do"
        if not alarm.properties.get("AlarmActions"):
            yield alarm, "tells nobody"
        for file, heading in re.findall(r"(docs/\S+\.md), ([^.]+)", text):
            if f"\n## {heading}\n" not in stack.source(file):
                yield alarm, f"{file} has no heading {heading!r}"
