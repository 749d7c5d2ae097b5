"""Nodes of types that people make: Literal, TypedDict, dataclass, NewType, Enum, NamedTuple."""

from __future__ import annotations

import dataclasses
import enum
from typing import Literal, NamedTuple, NewType, TypedDict

Grams = NewType("Grams", int)


class Parcel(TypedDict):
    """A parcel as it is written down."""

    number: int
    weight: float


class Size(enum.Enum):
    """How a parcel is carried."""

    SMALL = "small"
    LARGE = "large"


class Extremes(NamedTuple):
    """The lightest and the heaviest."""

    lightest: int
    heaviest: int


@dataclasses.dataclass(frozen=True)
class Load:
    """What a van carries."""

    parcels: int
    grams: int


def weights(parcels: list[Parcel], unit: Literal["g", "kg"]) -> list[Grams]:
    """Weights in grams."""
    factor = 1000 if unit == "kg" else 1
    return [Grams(int(parcel["weight"] * factor)) for parcel in parcels]


def heaviest(weights: list[Grams]) -> Grams:
    """The heaviest parcel's weight."""
    return max(weights)


def size(heaviest: Grams) -> Size:
    """How the heaviest is carried."""
    return Size.LARGE if heaviest > 5000 else Size.SMALL


def load(weights: list[Grams]) -> Load:
    """All of them together."""
    return Load(len(weights), sum(weights))


def extremes(weights: list[Grams]) -> Extremes:
    """What stands out."""
    return Extremes(min(weights), max(weights))


def label(size: Size, load: Load) -> str:
    """What is written on the van."""
    return f"{load.parcels} parcels, {size.value}, {load.grams / 1000} kg"
