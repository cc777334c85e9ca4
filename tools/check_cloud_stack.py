"""The CloudFormation templates as plain data, for the rules of check-cloud: functions evaluated as far as they can be
without AWS. What only AWS knows stays as text: ${Database.Endpoint.Address}, ${import agrobridge-vpc}."""
import fnmatch
import functools
import json
import os
import re

import yaml

ORDER = ("network", "data", "edge", "observe", "service")  # each may import from those before it
NOTHING = object()  # AWS::NoValue


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    pass


def tag(loader, suffix, node):
    value = (loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else
             loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else
             loader.construct_mapping(node, deep=True))
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", tag)


@functools.lru_cache(maxsize=None)
def parse(text):
    return yaml.load(text, Loader)


@functools.lru_cache(maxsize=None)
def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Resource:
    def __init__(self, file, name, body):
        self.file, self.name, self.type = file, name, body["Type"]
        self.attributes = body  # DeletionPolicy and its like
        self.properties = body.get("Properties", {})

    def __str__(self):
        return f"{self.file}: {self.name}"


class Template:
    """One file, evaluated for one choice of parameters."""

    def __init__(self, file, text, chosen):
        self.file, self.text = file, text
        self.raw = parse(text)
        self.parameters = self.raw.get("Parameters", {})
        self.values = {name: chosen.get(name, p.get("Default", f"${{{name}}}")) for name, p in self.parameters.items()}
        self.conditions = {}
        for name, condition in self.raw.get("Conditions", {}).items():
            self.conditions[name] = self.condition(condition)
        self.resources = [Resource(file, name, self.value(body)) for name, body in self.raw["Resources"].items()
                          if self.conditions.get(body.get("Condition"), True)]
        self.exports = {self.value(o["Export"]["Name"]) for o in self.raw.get("Outputs", {}).values() if "Export" in o}
        self.imports = set(re.findall(r"\$\{import ([^}]*)\}", repr([r.attributes for r in self.resources])))

    def condition(self, node):
        (function, parts), = node.items()
        if function == "Condition":
            return self.conditions[parts]
        if function == "Fn::Equals":
            one, other = map(self.value, parts)
            return str(one) == str(other)
        parts = [self.condition(p) for p in parts]
        return {"Fn::And": all(parts), "Fn::Or": any(parts), "Fn::Not": not parts[0]}[function]

    def value(self, node):
        if isinstance(node, list):
            return [v for v in map(self.value, node) if v is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, of), = node.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self.function(name, of)
        pairs = ((k, self.value(v)) for k, v in node.items())
        return {k: v for k, v in pairs if v is not NOTHING}

    def function(self, name, of):
        if name == "Ref":
            return NOTHING if of == "AWS::NoValue" else self.values.get(of, f"${{{of}}}")
        if name == "Fn::If":
            return self.value(of[1] if self.conditions[of[0]] else of[2])
        of = self.value(of)
        if name == "Fn::GetAtt":
            return f"${{{'.'.join(of)}}}"
        if name == "Fn::ImportValue":
            return f"${{import {of}}}"
        if name == "Fn::Sub":
            text, own = (of, {}) if isinstance(of, str) else of
            return re.sub(r"\$\{([^}!]+)\}", lambda m: str({**self.values, **own}.get(m[1], m[0])), text)
        if name == "Fn::FindInMap":
            found = self.raw["Mappings"]
            for key in of:
                found = found[str(key)]
            return found
        if name == "Fn::Join":
            return of[0].join(map(str, of[1]))
        if name == "Fn::Split":
            return [f"${{one of {of[1]}}}"]
        return f"${{{name} {json.dumps(of, default=str)}}}"


class Stack:
    """All templates together, and the rest of the source tree for what they must agree with."""

    def __init__(self, root, chosen, instead=None):
        self.root, self.instead = root, instead or {}
        files = [f"container/aws/{name}.yaml" for name in ORDER]
        self.templates = [Template(file, self.source(file), chosen) for file in files]

    def source(self, file):
        return self.instead.get(file) or read(os.path.join(self.root, file))

    def sources(self, folder, *patterns):
        """All of a folder whose name is one of the patterns; without any, C."""
        names = sorted(os.listdir(os.path.join(self.root, folder)))
        wanted = [n for n in names if any(fnmatch.fnmatch(n, p) for p in patterns or ("*.c", "*.h"))]
        return "".join(self.source(f"{folder}/{n}") for n in wanted)

    def all(self, kind):
        """Resources of type AWS::kind."""
        return [r for t in self.templates for r in t.resources if r.type == f"AWS::{kind}"]

    def parameter(self, name):
        """Its value, the same in each template that has it."""
        return next(t.values[name] for t in self.templates if name in t.values)

    def containers(self):
        """(task definition, container)"""
        return [(task, c) for task in self.all("ECS::TaskDefinition") for c in task.properties["ContainerDefinitions"]]

    def container(self, name):
        return next(c for _, c in self.containers() if c["Name"] == name)


def environment(container):
    return {e["Name"]: str(e["Value"]) for e in container.get("Environment", [])}
