"""Nodes that the configuration asks for: one share for each region it names."""

from hamilton.function_modifiers import ResolveAt, group, inject, parameterize, resolve, source


@resolve(
    when=ResolveAt.CONFIG_AVAILABLE,
    decorate_with=lambda regions: inject(parts=group(*[source(each) for each in regions])),
)
def whole(parts: list[float]) -> float:
    """All regions together."""
    return sum(parts)


@resolve(
    when=ResolveAt.CONFIG_AVAILABLE,
    decorate_with=lambda regions: parameterize(
        **{f"{each}_share": {"part": source(each)} for each in regions}
    ),
)
def share(part: float, whole: float) -> float:
    """A region's part of the whole."""
    return part / whole
