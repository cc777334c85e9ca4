#!/usr/bin/env python3
"""container/compose.yaml is the task of container/aws/service.yaml, made of the images of container/Dockerfile."""
import importlib.util
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("AGROBRIDGE_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
yaml = importlib.import_module("yaml") if importlib.util.find_spec("yaml") else None
CONTAINERS = ("nginx", "app")

# (file, what is there, what is planted instead): each must be seen.
MISTAKES = (
    ("compose", "target: app}", "target: nginx}"),
    ("compose", "dockerfile: container/Dockerfile, target: app", "dockerfile: Dockerfile, target: app"),
    ("compose", "  read_only: true\n", ""),
    ("compose", "cap_drop: [ALL]", "cap_drop: [NET_RAW]"),
    ("compose", "    mem_limit: 512m\n", "    mem_limit: 512m\n    user: '0'\n"),
    ("compose", "    mem_limit: 512m\n", "    mem_limit: 512m\n    cap_add: [SYS_PTRACE]\n"),
    ("compose", "    mem_limit: 512m\n", "    mem_limit: 512m\n    privileged: true\n"),
    ("compose", "sockets:/run/agrobridge", "sockets:/run/sockets"),
    ("compose", '    tmpfs: ["/tmp:size=128m', '    volumes: ["other:/run/agrobridge"]\n    tmpfs: ["/tmp:size=128m'),
    ("compose", "size=128m", "size=64m"),
    ("compose", ",noexec", ""),
    ("compose", "stop_grace_period: 95s", "stop_grace_period: 10s"),
    ("compose", "    stop_grace_period: 15s\n", ""),
    ("compose", "depends_on: {app: ", "depends_on: {migrate: "),
    ("compose", "status, --ready", "status"),
    ("compose", '127.0.0.1:8080:8080"', '127.0.0.1:8080:80"'),
    ("compose", 'AGROBRIDGE_MEMORY_MB: "512"', 'AGROBRIDGE_MEMORY_MB: "1024"'),
    ("compose", 'AGROBRIDGE_CPUS: "1"', 'AGROBRIDGE_CPUS: "2"'),
    ("compose", "AGROBRIDGE_REDIS_URL", "AGROBRIDGE_REDIS"),
    ("Dockerfile", "USER 10001:10001", "USER 0:0"),
    ("Dockerfile", "VOLUME /run/agrobridge", "VOLUME /run"),
    ("Dockerfile", "AGROBRIDGE_DRAIN_MS=15000", "AGROBRIDGE_DRAIN_MS=5000"),
    ("Dockerfile", "AGROBRIDGE_PORT=8080", "AGROBRIDGE_PORT=80"),
    ("Dockerfile", 'CMD ["serve"]', 'CMD ["check"]'),
)


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def stages(dockerfile):
    """{stage: its instructions, [(word, rest)]}"""
    parts = re.split(r"^FROM \S+ AS (\w[\w-]*)$", dockerfile, flags=re.M)
    return {name: re.findall(r"^([A-Z]+) (.*)$", text, re.M) for name, text in zip(parts[1::2], parts[2::2])}


def image_of(stage):
    """What an image says by itself."""
    said = dict(stage)
    return {"user": said["USER"], "volume": said["VOLUME"],
            "command": [word.strip('" ') for word in said["CMD"].strip("[]").split(",")],
            "env": dict(pair.split("=") for pair in said.get("ENV", "").split())}


def tmpfs(path, size, options):
    return path, size, set(options) - {"rw"}


def short_tmpfs(text):
    path, options = text.split(":")
    size, *options = options.split(",")
    return tmpfs(path, size, options)


def task_of_compose(text, dockerfile):
    services = yaml.safe_load(text)["services"]
    task = {}
    for name in CONTAINERS:
        s, image = services[name], image_of(stages(dockerfile)[name])
        env = {**image["env"], **s.get("environment", {})}
        task[name] = {
            "image": (s["build"]["dockerfile"], s["build"]["target"]), "user": s.get("user", image["user"]),
            "privileged": s.get("privileged", False), "read_only": s.get("read_only", False),
            "drops": s.get("cap_drop", []), "adds": s.get("cap_add", []),
            "volumes": s["volumes"], "image's volume": image["volume"],
            "tmpfs": [short_tmpfs(text) for text in s.get("tmpfs", [])],
            "stops within": s.get("stop_grace_period", "10s"), "drain": env.get("AGROBRIDGE_DRAIN_MS"),
            "health": s.get("healthcheck", {}).get("test"),
            "after": [c for c in s["depends_on"] if c in CONTAINERS],
            "ports": {port.split(":")[-1] for port in s.get("ports", [])},
            # The operators' address differs: here their port is published, in a task it is not.
            "command": s.get("command", image["command"]) if name == "app" else None}
    return task


def task_of_template(stack):
    task = {}
    for name in CONTAINERS:
        c = stack.container(name)
        env = {e["Name"]: e["Value"] for e in c["Environment"]}
        linux = c["LinuxParameters"]
        (mount,) = c["MountPoints"]
        task[name] = {
            "image": ("container/Dockerfile", name), "user": c["User"], "privileged": c.get("Privileged", False),
            "read_only": c["ReadonlyRootFilesystem"],
            "drops": linux["Capabilities"]["Drop"], "adds": linux["Capabilities"].get("Add", []),
            "volumes": [f"{mount['SourceVolume']}:{mount['ContainerPath']}"], "image's volume": mount["ContainerPath"],
            "tmpfs": [tmpfs(t["ContainerPath"], f"size={t['Size']}m", t["MountOptions"])
                      for t in linux.get("Tmpfs", [])],
            "stops within": f"{c['StopTimeout']}s", "drain": env.get("AGROBRIDGE_DRAIN_MS"),
            "health": c.get("HealthCheck", {}).get("Command"),
            "after": [d["ContainerName"] for d in c.get("DependsOn", [])],
            "ports": {env[n] for n in ("AGROBRIDGE_PORT", "AGROBRIDGE_OPS_PORT") if n in env},
            "command": c.get("Command")}
    return task


def settings_of_compose(text, dockerfile):
    """What its settings say, and what they should say."""
    services = yaml.safe_load(text)["services"]
    app, port = services["app"], image_of(stages(dockerfile)["nginx"])["env"]
    names = {n for s in services.values() for n in s.get("environment", {}) if n.startswith("AGROBRIDGE_")}
    known = re.findall(r"^[A-Z]+\((\w+),", read("src/conf/conf.def"), re.M)
    return ((app["mem_limit"], app["cpus"], sorted(names - {f"AGROBRIDGE_{n}" for n in known}),
             {p.split(":")[-1] for p in services["nginx"]["ports"]}),
            (f"{app['environment']['AGROBRIDGE_MEMORY_MB']}m", int(app["environment"]["AGROBRIDGE_CPUS"]), [],
             {port["AGROBRIDGE_PORT"], port["AGROBRIDGE_OPS_PORT"]}))


@unittest.skipUnless(yaml, "python3-yaml is not installed; scripts/test installs it")
class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, os.path.join(SOURCE, "tools"))
        cls.template = task_of_template(importlib.import_module("check_cloud_stack").Stack(SOURCE, {}))
        cls.texts = {"compose": read("container/compose.yaml"), "Dockerfile": read("container/Dockerfile")}

    def sides(self, texts):
        """(what compose.yaml says, what the others say)"""
        said, meant = settings_of_compose(texts["compose"], texts["Dockerfile"])
        return (task_of_compose(texts["compose"], texts["Dockerfile"]), said), (self.template, meant)

    def test_they_agree(self):
        self.maxDiff = None
        self.assertEqual(*self.sides(self.texts))

    def test_each_mistake_is_seen(self):
        for file, old, new in MISTAKES:
            with self.subTest(file=file, planted=new or f"no {old}"):
                self.assertIn(old, self.texts[file], "the mistake finds no place")
                mine, others = self.sides({**self.texts, file: self.texts[file].replace(old, new)})
                self.assertNotEqual(mine, others, "nobody complains")


if __name__ == "__main__":
    unittest.main()
