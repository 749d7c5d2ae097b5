def checked(limit: int) -> int:
    if limit > 100:
        raise ValueError(f"{limit} is above 100")
    return limit
