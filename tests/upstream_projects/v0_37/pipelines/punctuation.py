"""A second module of the pipeline, under `additional_modules`."""


def ending(mark: str) -> str:
    return mark * 3
