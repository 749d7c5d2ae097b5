"""Coroutines as functions: what waits for others does so at the same time."""

import asyncio


async def profile(user: str) -> dict[str, str]:
    """Who it is."""
    await asyncio.sleep(0)
    return {"name": user.title(), "plan": "basic"}


async def orders(user: str) -> list[float]:
    """What was ordered."""
    await asyncio.sleep(0)
    return [len(user) * price for price in (1.5, 2.5)]


def total(orders: list[float]) -> float:
    """A plain function among them."""
    return sum(orders)


async def greeting(profile: dict[str, str], total: float) -> str:
    """What the page shows."""
    await asyncio.sleep(0)
    return f"{profile['name']} ({profile['plan']}): {total:.2f}"
