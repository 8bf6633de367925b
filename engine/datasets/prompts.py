"""Prompts: the sentences about a class that an image-text encoder compares an image with."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

PHOTO = ("a photo of a {}", "a blurry photo of a {}", "a close-up photo of a {}")


def _parted(prompts: object) -> object:
    """Text is one template a line, or separated by semicolons, as a form and a command line give it."""
    if isinstance(prompts, str):
        return tuple(part.strip() for part in re.split(r"[;\n]", prompts) if part.strip())
    return prompts


def _checked(prompts: tuple[str, ...]) -> tuple[str, ...]:
    if not prompts or not all("{}" in prompt for prompt in prompts):
        raise ValueError(f"must have {{}} where the class name goes, in each template; got {prompts!r}")
    return prompts


Prompts = Annotated[
    tuple[str, ...],
    BeforeValidator(_parted),
    AfterValidator(_checked),
    Field(description="sentences for the encoder, {} is the class name; separated by semicolons"),
]
