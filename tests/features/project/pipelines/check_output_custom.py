"""A check of one's own."""

from itertools import pairwise

from hamilton.data_quality.base import DataValidator, ValidationResult
from hamilton.function_modifiers import check_output_custom


class IsAscending(DataValidator):
    """Each number is larger than the one before."""

    def applies_to(self, datatype: type) -> bool:
        return datatype == list[int]

    def description(self) -> str:
        return "Each number is larger than the one before."

    @classmethod
    def name(cls) -> str:
        return "is_ascending"

    def validate(self, dataset: list[int]) -> ValidationResult:
        wrong = [later for early, later in pairwise(dataset) if later <= early]
        return ValidationResult(not wrong, f"{len(wrong)} are not larger", {"wrong": wrong})


@check_output_custom(IsAscending(importance="fail"))
def numbers(entered: list[int]) -> list[int]:
    """Numbers as they were entered."""
    return list(entered)


def steps(numbers: list[int]) -> list[int]:
    """From each number to the next."""
    return [later - early for early, later in pairwise(numbers)]
