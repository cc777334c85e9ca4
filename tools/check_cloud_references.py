"""What the templates must agree on, with each other and with the program: each rule yields (where, what is wrong)."""
import json
import re

from check_cloud_policy import attributes
from check_cloud_stack import environment

RULES = []

# Connections kept free: migrate, maintain, whoever looks, and what RDS keeps for itself.
RESERVE = 40
FARGATE_STOP_LIMIT = 120

TARGET_GROUP_KEYS = {  # of an application load balancer: Elastic Load Balancing API, TargetGroupAttribute
    "deregistration_delay.timeout_seconds", "load_balancing.algorithm.anomaly_mitigation",
    "load_balancing.algorithm.type", "load_balancing.cross_zone.enabled", "slow_start.duration_seconds",
    "stickiness.app_cookie.cookie_name", "stickiness.app_cookie.duration_seconds", "stickiness.enabled",
    "stickiness.lb_cookie.duration_seconds", "stickiness.type",
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
}
BALANCER_KEYS = {  # the same, LoadBalancerAttribute
    "access_logs.s3.bucket", "access_logs.s3.enabled", "access_logs.s3.prefix", "client_keep_alive.seconds",
    "connection_logs.s3.bucket", "connection_logs.s3.enabled", "connection_logs.s3.prefix",
    "deletion_protection.enabled", "idle_timeout.timeout_seconds", "ipv6.deny_all_igw_traffic",
    "load_balancing.cross_zone.enabled", "routing.http.desync_mitigation_mode",
    "routing.http.drop_invalid_header_fields.enabled", "routing.http.preserve_host_header.enabled",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "routing.http.xff_client_port.enabled",
    "routing.http.xff_header_processing.mode", "routing.http2.enabled", "waf.fail_open.enabled",
    "zonal_shift.config.enabled",
}


def rule(function):
    RULES.append(function)
    return function


def settings(stack):
    """name -> (kind, low, high, default), of conf.def"""
    found = {}
    for kind, name, rest in re.findall(r"^(TEXT|SECRET|NUMBER|AUTO|MILLI|CHOICE)\((\w+), (.*)\)$",
                                       stack.source("src/conf/conf.def"), re.M):
        numbers = [int(n) for n in re.findall(r"(?<=, )\d+(?=, )", rest.split('"')[0] + " ")]
        found[f"AGROBRIDGE_{name}"] = kind, *(numbers + [None] * 3)[:3]
    return found


@rule
def imports_have_exports(stack):
    """From a stack made before."""
    exported = {}
    for template in stack.templates:
        for name in sorted(template.imports - set(exported)):
            yield template.file, f"imports {name}, which no stack before it exports"
        for name in template.exports:
            if name in exported:
                yield template.file, f"exports {name}, as {exported[name]} does"
            exported[name] = template.file


@rule
def balanced_container(stack):
    """The load balancer, its health checks, its groups and nginx speak of the same container and port."""
    for service in stack.all("ECS::Service"):
        for target in service.properties["LoadBalancers"]:
            containers = {c["Name"]: c for task, c in stack.containers()
                          if service.properties["TaskDefinition"] == f"${{{task.name}}}"}
            c = containers.get(target["ContainerName"])
            if not c:
                yield service, f"the task has no container {target['ContainerName']}"
                continue
            port = target["ContainerPort"]
            if port not in [m["ContainerPort"] for m in c.get("PortMappings", [])]:
                yield service, f"container {c['Name']} does not map port {port}"
            if environment(c).get("AGROBRIDGE_PORT") != str(port):
                yield service, f"nginx listens at {environment(c).get('AGROBRIDGE_PORT')}, not {port}"
            for group in stack.all("ElasticLoadBalancingV2::TargetGroup"):
                if group.properties["Port"] != port or group.properties["TargetType"] != "ip":
                    yield group, f"not ip and {port}"
            for way in stack.all("EC2::SecurityGroupIngress") + stack.all("EC2::SecurityGroupEgress"):
                if {"${AlbGroup}", "${TaskGroup}"} <= set(map(str, way.properties.values())) and \
                        (way.properties["FromPort"], way.properties["ToPort"]) != (port, port):
                    yield way, f"not port {port}"


@rule
def health_checks(stack):
    """The load balancer asks a route that there is; app asks itself, by the program's own path."""
    routes = stack.source("src/api/routes.c")
    for group in stack.all("ElasticLoadBalancingV2::TargetGroup"):
        path = group.properties["HealthCheckPath"]
        if path != "/readyz" or f'\tROUTE(GET,    "{path}"' not in routes:
            yield group, f"asks {path}"
    check = stack.container("app").get("HealthCheck", {}).get("Command", [])
    if check[:1] != ["CMD"] or check[2:] != ["status", "--ready"]:
        yield "container/aws/service.yaml: Task app", f"health check {check}"


@rule
def rules_of_listeners(stack):
    """Production and test are different listeners, each rule knows both colours; operators' paths end before."""
    rules = {r.name: r.properties for r in stack.all("ElasticLoadBalancingV2::ListenerRule")}
    where = "container/aws/edge.yaml"
    colours = {f"${{{g.name}}}" for g in stack.all("ElasticLoadBalancingV2::TargetGroup")}
    for name in ("ProductionRule", "TestRule"):
        forward = rules[name]["Actions"][0].get("ForwardConfig", {"TargetGroups": []})["TargetGroups"]
        weight = sum(g["Weight"] for g in forward)
        if len(colours) != 2 or {g["TargetGroupArn"] for g in forward} != colours or weight != 100:
            yield f"{where}: {name}", "does not forward 100 in 100 to blue and green"
    if rules["ProductionRule"]["ListenerArn"] == rules["TestRule"]["ListenerArn"]:
        yield where, "production and test share a listener"
    operators, production = rules["OperatorsRule"], rules["ProductionRule"]
    closed = {v for c in operators["Conditions"] for v in c["PathPatternConfig"]["Values"]}
    routes = stack.source("src/api/routes.c")
    theirs = set(re.findall(r'\tOPS_ROUTE\(GET, +"([^"]*)"', routes)) - {"/", "/livez", "/readyz"}
    if not theirs or closed != theirs or operators["Priority"] >= production["Priority"] or \
            operators["ListenerArn"] != production["ListenerArn"]:
        yield f"{where}: OperatorsRule", f"closes {sorted(closed)}, the operators' are {sorted(theirs)}"


@rule
def attribute_keys(stack):
    """AWS alone would say so, half-way through an update."""
    for kind, key, known in (("TargetGroup", "TargetGroupAttributes", TARGET_GROUP_KEYS),
                             ("LoadBalancer", "LoadBalancerAttributes", BALANCER_KEYS)):
        for resource in stack.all(f"ElasticLoadBalancingV2::{kind}"):
            for name in sorted(set(attributes(resource, key)) - known):
                yield resource, f"there is no attribute {name}"


@rule
def volumes(stack):
    """Each mount has its volume; nginx and app meet in the directory of sockets, where both are told it is."""
    for task in stack.all("ECS::TaskDefinition"):
        declared = {v["Name"] for v in task.properties.get("Volumes", [])}
        for c in task.properties["ContainerDefinitions"]:
            for mount in c.get("MountPoints", []):
                if mount["SourceVolume"] not in declared:
                    yield f"{task} {c['Name']}", f"there is no volume {mount['SourceVolume']}"
    places = {(m.get("SourceVolume"), m.get("ContainerPath"), environment(c).get("AGROBRIDGE_SOCKET_DIR"))
              for c in map(stack.container, ("app", "nginx")) for m in c.get("MountPoints") or [{}]}
    if len(places) != 1 or any(path != told for _, path, told in places):
        yield "container/aws/service.yaml: Task", f"app and nginx do not meet: {sorted(places, key=str)}"


@rule
def images_agree(stack):
    """What the task says of an image is in container/Dockerfile: who it runs as, what it runs, what is where."""
    image = stack.source("container/Dockerfile")
    for task, c in stack.containers():
        lines = [f"VOLUME {m['ContainerPath']}" for m in c.get("MountPoints", [])] + [f"USER {c.get('User')}"]
        lines += [f'ENTRYPOINT ["{p}"]' for p in c.get("HealthCheck", {}).get("Command", [])[1:2]]
        told = environment(c).get("AGROBRIDGE_DATABASE_CA", "")
        for missing in [x for x in lines if f"\n{x}\n" not in image] + ([told] if f"/files{told}" not in image else []):
            yield f"{task} {c['Name']}", f"container/Dockerfile has no {missing}"


@rule
def starts_and_stops(stack):
    """nginx starts after app and so stops before it, with time for its drain and the longest request."""
    task = next(t for t, c in stack.containers() if c["Name"] == "nginx")
    names = {c["Name"] for t, c in stack.containers() if t is task}
    nginx, app = stack.container("nginx"), stack.container("app")
    for needed in nginx.get("DependsOn", []):
        if needed["ContainerName"] not in names or needed["Condition"] != "START":
            yield f"{task} nginx", f"depends on {needed['ContainerName']}, {needed['Condition']}"
    if [n["ContainerName"] for n in nginx.get("DependsOn", [])] != ["app"] or app.get("DependsOn"):
        yield f"{task} nginx", "does not stop before app"
    longest = environment(app).get("AGROBRIDGE_EXPORT_TIMEOUT_MS") or settings(stack)["AGROBRIDGE_EXPORT_TIMEOUT_MS"][3]
    drain = int(environment(nginx)["AGROBRIDGE_DRAIN_MS"]) / 1000
    shutdown = int(re.search(r"^worker_shutdown_timeout (\d+)s;", stack.source("nginx/nginx.conf.in"), re.M)[1])
    needs = drain + max(int(longest) / 1000, shutdown)
    stops = nginx.get("StopTimeout", 30), app.get("StopTimeout", 30)
    if stops[0] <= needs:
        yield f"{task} nginx", f"StopTimeout {stops[0]} s is not more than drain and longest request, {needs:.0f} s"
    if sum(stops) >= FARGATE_STOP_LIMIT:
        yield f"{task}", f"stops within {sum(stops)} s, not less than {FARGATE_STOP_LIMIT}"


@rule
def keepalive(stack):
    """nginx closes an idle connection later than the load balancer, or a request would meet a closed door."""
    ours = int(re.search(r"^\tkeepalive_timeout (\d+)s;", stack.source("nginx/nginx.conf.in"), re.M)[1])
    for alb in stack.all("ElasticLoadBalancingV2::LoadBalancer"):
        idle = int(attributes(alb, "LoadBalancerAttributes").get("idle_timeout.timeout_seconds", 60))
        if ours <= idle:
            yield alb, f"idle timeout {idle} s, nginx's keepalive_timeout is {ours} s"


@rule
def connections(stack):
    """Every worker of both colours at full scale finds a connection, and somebody who looks does too."""
    tasks = stack.all("ApplicationAutoScaling::ScalableTarget")[0].properties["MaxCapacity"]
    told = environment(stack.container("app"))
    allowed = [int(g.properties["Parameters"]["max_connections"]) for g in stack.all("RDS::DBParameterGroup")][0]
    need = (int(told["AGROBRIDGE_WORKERS"]) + int(told["AGROBRIDGE_LOGIN_WORKERS"])) * tasks * 2
    where = "container/aws/service.yaml: Task app"
    if int(told["AGROBRIDGE_MAX_TASKS"]) != tasks:
        yield where, f"AGROBRIDGE_MAX_TASKS is not {tasks}"
    if need > int(told["AGROBRIDGE_CONNECTIONS"]):
        yield where, f"{need} connections needed, AGROBRIDGE_CONNECTIONS is {told['AGROBRIDGE_CONNECTIONS']}"
    most = max(need, int(told["AGROBRIDGE_CONNECTIONS"]))
    if most + RESERVE > allowed:
        yield where, f"{most} + {RESERVE} connections do not fit max_connections {allowed}"
    said = {t.file: t.values["MaxConnections"] for t in stack.templates if "MaxConnections" in t.values}
    if len(set(said.values())) > 1:
        yield where, f"MaxConnections differs: {said}"


@rule
def sizes(stack):
    """Containers fit their task, and app is told what it has."""
    for task in stack.all("ECS::TaskDefinition"):
        total = sum(c.get("Memory", 0) for c in task.properties["ContainerDefinitions"])
        if total > int(task.properties["Memory"]):
            yield task, f"containers of {total} MB in {task.properties['Memory']} MB"
        for c in task.properties["ContainerDefinitions"]:
            told = environment(c)
            if "AGROBRIDGE_CPUS" in told and float(told["AGROBRIDGE_CPUS"]) * 1024 != int(task.properties["Cpu"]):
                yield f"{task} {c['Name']}", f"AGROBRIDGE_CPUS {told['AGROBRIDGE_CPUS']} of {task.properties['Cpu']}"
            if "AGROBRIDGE_MEMORY_MB" in told and told["AGROBRIDGE_MEMORY_MB"] != str(c.get("Memory")):
                yield f"{task} {c['Name']}", f"AGROBRIDGE_MEMORY_MB is not {c.get('Memory')}"


@rule
def settings_exist(stack):
    """Names of conf.def, with values in range."""
    known = settings(stack)
    for task, c in stack.containers():
        where = f"{task} {c['Name']}"
        told = {**environment(c), **{s["Name"]: None for s in c.get("Secrets", [])}}
        for name, value in told.items():
            kind, low, high, _ = known.get(name, (None,) * 4)
            if not kind:
                yield where, f"there is no setting {name}"
            elif value is None and kind != "SECRET":
                yield where, f"{name} is no secret"
            elif low is not None and value not in (None, "", "auto"):
                number = float(value) * (1000 if kind == "MILLI" else 1)
                if not low <= number <= high:
                    yield where, f"{name} is {value}, out of {low} to {high}"


@rule
def commands_exist(stack):
    """What a task runs is a command of the program."""
    known = set(re.findall(r'^\t\{ "(\w+)",', stack.source("src/main.c"), re.M))
    for task, c in stack.containers():
        if "Command" in c and c["Command"][0] not in known:
            yield f"{task} {c['Name']}", f"there is no command {c['Command'][0]}"


@rule
def releaser_may_release(stack):
    """Whoever has the policy of that name may make every call of scripts/deploy."""
    services = {"elbv2": "elasticloadbalancing"}
    calls = re.findall(r'^    "\w+": f?"([a-z0-9]+) ([a-z-]+)', stack.sources("scripts/lib", "deploy*.py"), re.M)
    needed = {f"{services.get(service, service)}:{verb.title().replace('-', '')}" for service, verb in calls}
    for policy in (p for p in stack.all("IAM::ManagedPolicy") if p.name == "Releaser"):
        allowed = [s["Action"] for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
        may = {action for one in allowed for action in (one if isinstance(one, list) else [one])}
        for action in sorted(needed - may):
            yield policy, f"scripts/deploy needs {action}"
        if not needed:
            yield policy, "scripts/deploy calls nothing"


@rule
def redis_user(stack):
    """The user may do what src/session does, to the keys of src/session/keys.h, and nothing more."""
    code = stack.sources("src/session")
    calls = r"""redis_command\([^"]*"([A-Z]+)|redis\.call\('([A-Z]+)|greeting_add\(r, "(PING)\""""
    used = {"".join(groups).lower() for groups in re.findall(calls, code)}
    keys = {p[0] for p in re.findall(r'#define KEY_\w+ +"([a-z])', stack.source("src/session/keys.h"))}
    for user in stack.all("ElastiCache::User"):
        words = user.properties["AccessString"].split()
        may = {w[1:] for w in words if w[0] == "+"}
        if may != used:
            yield user, f"may {sorted(may)}, needs {sorted(used)}"
        if {w for w in words if w[0] == "~"} != {f"~{k}:*" for k in keys}:
            yield user, f"keys are {sorted(keys)}"
        if sorted(w for w in words if w[0] not in "~+") != ["-@all", "on", "resetchannels"] or \
                "+" in "".join(words[:words.index("-@all")]):
            yield user, "does not begin with nothing allowed"


@rule
def metrics_exist(stack):
    """A metric of ours is written by emf.c with that dimension; a dashboard is JSON."""
    code = stack.source("src/api/emf.c")
    written = set(re.findall(r'^\t\{ "(\w+)", "\w+", \w+ \},', code, re.M))
    asked = [(alarm, m["Namespace"], m["MetricName"], {d["Name"]: d["Value"] for d in m.get("Dimensions", [])})
             for alarm in stack.all("CloudWatch::Alarm") + stack.all("ApplicationAutoScaling::ScalingPolicy")
             for m in walk(alarm.properties) if {"Namespace", "MetricName"} <= set(m)]
    for board in stack.all("CloudWatch::Dashboard"):
        try:
            widgets = json.loads(board.properties["DashboardBody"])["widgets"]
        except ValueError as why:
            yield board, f"not JSON: {why}"
            continue
        rows = [[x for x in m if isinstance(x, str)] for w in widgets for m in w["properties"]["metrics"]]
        asked += [(board, m[0], m[1], dict(zip(m[2::2], m[3::2]))) for m in rows]
    for where, namespace, name, dimensions in asked:
        if namespace == "AgroBridge" and name not in written:
            yield where, f"there is no metric {name}"
        elif namespace == "AgroBridge" and dimensions != {"service": "agrobridge"}:
            yield where, f"{name} has not the dimensions {dimensions}"


def walk(node):
    """Every mapping in it."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from walk(each)
