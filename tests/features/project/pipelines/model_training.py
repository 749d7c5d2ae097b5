"""A small model of rents: split, fit, evaluate; configuration chooses the model."""

from collections.abc import Callable

import numpy as np
from hamilton.function_modifiers import config, extract_fields, unpack_fields

Predict = Callable[[np.ndarray], np.ndarray]


def flats(flats_file: str) -> np.ndarray:
    """Flats: square metres, rooms, rent."""
    return np.genfromtxt(flats_file, delimiter=",", skip_header=1)


@extract_fields({"train": np.ndarray, "test": np.ndarray})
def split(flats: np.ndarray, test_rows: int = 2, seed: int = 7) -> dict[str, np.ndarray]:
    """Some rows, chosen by chance but always the same, are kept for the test."""
    order = np.random.default_rng(seed).permutation(len(flats))
    return {"train": flats[order[test_rows:]], "test": flats[order[:test_rows]]}


@unpack_fields("metres", "rents")
def training_data(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is known and what is to be told."""
    return train[:, 0], train[:, 2]


@config.when(model="linear")
def predict__linear(metres: np.ndarray, rents: np.ndarray) -> Predict:
    """A line through the data, by least squares."""
    slope, intercept = np.polyfit(metres, rents, 1)
    return lambda given: slope * given + intercept


@config.when(model="constant")
def predict__constant(rents: np.ndarray) -> Predict:
    """The same rent for all: the median."""
    median = np.median(rents)
    return lambda given: np.full(len(given), median)


def largest_error(predict: Predict, test: np.ndarray) -> float:
    """How far off the model is at worst, in whole euros."""
    return float(np.abs(predict(test[:, 0]) - test[:, 2]).max().round())


def model_is_good(largest_error: float, tolerance: float = 10.0) -> bool:
    """Whether it may be used."""
    return largest_error <= tolerance
