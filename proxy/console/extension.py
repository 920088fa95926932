"""What another room adds to the console's application: endpoints, and their part of the description."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from starlette.requests import Request


class Extension(Struct, frozen=True):
    """`routes` are (path, methods, endpoint); `paths` and `kinds` what the OpenAPI document says of them."""

    routes: tuple[tuple[str, tuple[str, ...], Callable[[Request], object]], ...] = ()
    paths: dict[str, Any] = {}
    kinds: tuple[type[Struct], ...] = ()


NOTHING: Extension = Extension()
