"""Every rule, for the default of each parameter and each other value it allows."""
import check_cloud_policy
import check_cloud_references
from check_cloud_stack import Stack

RULES = check_cloud_policy.RULES + check_cloud_references.RULES


def choices(stack):
    """Nothing chosen, then each allowed value of each parameter in turn."""
    yield {}
    for template in stack.templates:
        for name, parameter in template.parameters.items():
            for value in parameter.get("AllowedValues", []):
                if value != parameter.get("Default"):
                    yield {name: value}


def faults(root, chosen=None, instead=None):
    """What is wrong, a line each. `chosen`: parameters, these alone; `instead`: file -> text to read in its place."""
    seen = set()
    for variant in [chosen] if chosen else choices(Stack(root, {}, instead)):
        stack = Stack(root, variant, instead)
        given = "".join(f", {k}={v}" for k, v in variant.items())
        for rule in RULES:
            for where, text in rule(stack):
                if (rule, str(where), text) not in seen:
                    seen.add((rule, str(where), text))
                    yield f"{where}: {text} [{rule.__name__}{given}]"
