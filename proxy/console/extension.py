"""What another room adds to the console's application: endpoints, and their part of the description."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from starlette.requests import Request


class Extension(Struct, frozen=True):
    """`routes` are (path, methods, endpoint); `paths` and `kinds` what the OpenAPI document says of them. `pages` are
    those for people, as (path, key of their name among the console's texts).
    """

    routes: tuple[tuple[str, tuple[str, ...], Callable[[Request], object]], ...] = ()
    paths: dict[str, Any] = {}
    kinds: tuple[type[Struct], ...] = ()
    pages: tuple[tuple[str, str], ...] = ()

    def beside(self, other: "Extension") -> "Extension":
        """Both."""
        return Extension(
            (*self.routes, *other.routes),
            {**self.paths, **other.paths},
            (*self.kinds, *other.kinds),
            (*self.pages, *other.pages),
        )


NOTHING: Extension = Extension()
