def build_config(payload: bytes, topic: str) -> dict:
    return {"topic": topic}
