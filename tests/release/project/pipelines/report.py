def numbers(factor: int) -> list[int]:
    print(f"multiplied by {factor}")
    return [factor * number for number in range(4)]


def total(numbers: list[int]) -> int:
    return sum(numbers)


def text(total: int, unit: str) -> str:
    return f"{total} {unit}"
