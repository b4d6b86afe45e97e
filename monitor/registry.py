"""A family of plug-ins: token -> class and its parameters, duplicates refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from monitor.errors import DriftdError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member(Generic[T]):
    """One plug-in: how to build it and what its parameters mean."""

    token: str
    description: str
    build: Callable[..., T]
    parameters: type
    """A frozen dataclass or pydantic model; its fields are the keys that the YAML may hold."""


class Registry(Generic[T]):
    """The members of one family.

    >>> shapes: Registry[int] = Registry("shape", "driftd.shapes")
    >>> @dataclass
    ... class NoParameters: ...
    >>> _ = shapes.register("square", "four sides", NoParameters)(lambda parameters: 4)
    >>> shapes.tokens()
    ('square',)
    """

    def __init__(self, family: str, group: str) -> None:
        self.family = family
        self.group = group
        self._members: dict[str, Member[T]] = {}

    def register(
        self, token: str, description: str, parameters: type
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Decorate the class or function that builds the member from its parameters."""

        def enter(build: Callable[..., T]) -> Callable[..., T]:
            if token in self._members:
                message = f"{self.family} {token!r} is registered twice"
                raise DriftdError(message)
            self._members[token] = Member(token, description, build, parameters)
            return build

        return enter

    def load_entry_points(self) -> None:
        """Import what third parties offer under the family's entry-point group; what fails is named."""
        for point in entry_points(group=self.group):
            try:
                point.load()
            except Exception as error:  # whatever a third party's module may raise when imported
                message = (
                    f"{self.family} {point.name!r} of {point.value} cannot be imported: {error}; "
                    "mend or uninstall the package that offers it"
                )
                raise DriftdError(message) from error

    def tokens(self) -> tuple[str, ...]:
        """Every token, sorted."""
        return tuple(sorted(self._members))

    def get(self, token: str) -> Member[T]:
        """The member; an unknown token is an error that names the known ones."""
        try:
            return self._members[token]
        except KeyError:
            message = f"{self.family} {token!r} is not known; known: {', '.join(self.tokens())}"
            raise DriftdError(message) from None

    def __iter__(self) -> Iterator[Member[T]]:
        """The members in the order of their tokens."""
        return iter(self._members[token] for token in self.tokens())

    def __contains__(self, token: object) -> bool:
        """Whether the token is known."""
        return token in self._members
