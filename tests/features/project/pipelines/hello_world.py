"""What a campaign's sign-ups cost, week by week."""

from itertools import accumulate


def total_sign_ups(sign_ups: list[int]) -> list[int]:
    """Sign-ups since the campaign began."""
    return list(accumulate(sign_ups))


def cost_per_sign_up(spend: list[float], sign_ups: list[int]) -> list[float]:
    """What one sign-up cost in each week."""
    return [cost / count for cost, count in zip(spend, sign_ups, strict=True)]


def average_spend(spend: list[float]) -> float:
    """What a week cost on average."""
    return sum(spend) / len(spend)


def best_week(cost_per_sign_up: list[float]) -> int:
    """The week, counted from 1, in which a sign-up cost least."""
    return cost_per_sign_up.index(min(cost_per_sign_up)) + 1
