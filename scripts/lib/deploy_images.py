"""Names of images in ECR, told apart by their digest alone. A pair of images is {"app": name, "nginx": name}."""

import re

IMAGE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
                   r"(?P<repository>[^@:]+)@(?P<digest>sha256:[0-9a-f]{64})")


def digest_of(image):
    return image.partition("@")[2]


def same(images, wanted):
    """Whether `wanted`, a pair or one of it, is among `images`."""
    return all(digest_of(images.get(name, "")) == digest_of(image) for name, image in wanted.items())


def short(image):
    name, _, digest = image.partition("@")
    return f"{name.rpartition('/')[2]}@{digest[:19]}"


def short_pair(images):
    return " and ".join(short(image) for image in images.values())
