"""Arrays: a signal is smoothed and measured."""

import numpy as np


def signal(samples: list[float]) -> np.ndarray:
    """The samples as an array."""
    return np.array(samples)


def smoothed(signal: np.ndarray, width: int = 2) -> list[float]:
    """A moving average without its ends."""
    return np.convolve(signal, np.ones(width) / width, mode="valid").tolist()


def matrix(signal: np.ndarray, columns: int = 3) -> np.ndarray:
    """The signal in rows."""
    return signal.reshape(-1, columns)


def energy(signal: np.ndarray) -> np.float64:
    """The sum of the squares."""
    return np.square(signal).sum()
