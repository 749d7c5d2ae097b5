"""The `job_queue` of an upstream project (0.11 to 0.20) as ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from flowerpower.pipeline.upstream.old_file import IN_PLAIN_TEXT, OldFile, Section
from flowerpower.pipeline.upstream.report import Row
from flowerpower.text import is_name

TO = "job_queue"
_SQL_DEFAULTS = {"username": "postgres", "host": "localhost", "port": 5432, "database": "postgres"}
_REDIS_PARTS = ("host", "port", "database", "username", "password")
_TLS_OPTIONS = {"ca_file": "ssl_ca_certs", "cert_file": "ssl_certfile", "key_file": "ssl_keyfile"}
"""Options of a Redis URL."""
_NOT_HERE = (
    "there is no such queue here: the jobs are kept in a SQLite file. For several machines set "
    "job_queue.type: rq, or backend.url: postgresql://…"
)
_WAITING = "jobs that wait in the old queue stay there: let its workers finish them."
_SCHEDULER_QUEUE = "a scheduler needs no queue of its own here."


def convert_job_queue(file: OldFile) -> tuple[dict[str, Any], list[Row]]:
    """Our `job_queue` section, and what became of each setting of the old one."""
    old = Section(file, ("job_queue",))
    if "job_queue" not in file.data:
        return {"type": "apscheduler"}, []
    kind = str(old.take("type") or "rq").lower()
    backend = old.section("backend")
    if kind == "rq":
        old.say("type", "converted", f"{TO}.type", _WAITING)
        address = _redis(backend)
    elif kind == "apscheduler":
        old.say("type", "converted", f"{TO}.type", _WAITING)
        address = _sql(old, backend)
    else:
        old.say("type", "left_out", advice=_NOT_HERE)
        address = {}
        backend.left_out_all(_NOT_HERE)
    data: dict[str, Any] = {"type": kind if kind == "rq" else "apscheduler"}
    if address:
        data["backend"] = address
    workers = old.take("num_workers")
    if isinstance(workers, int) and 1 <= workers <= 1000:
        data["num_workers"] = workers
        old.say("num_workers", "converted", f"{TO}.num_workers")
    else:
        old.say("num_workers", "not_needed")
    return data, [*old.close(), *backend.close()]


def _redis(old: Section) -> dict[str, Any]:
    """The address of a Redis, by its parts, or by a URL where these do not say it all."""
    to = f"{TO}.backend"
    values = {key: old.take(key) for key in _REDIS_PARTS}
    url, ssl = old.take("uri"), bool(old.take("ssl"))
    # A URL says itself whether it is encrypted.
    is_tls = ssl and not url
    if old.take("type") in (None, "redis"):
        old.say("type", "not_needed")
    else:
        old.say("type", "left_out", advice="RQ keeps jobs in Redis.")
    options = _tls_options(old, is_tls=is_tls, to=f"{to}.url")
    address: dict[str, Any] = {}
    if url:
        address["url"] = str(url)
    elif is_tls:
        address["url"] = _url("rediss", values, {"host": "localhost", "port": 6379}, options)
    else:
        address = {key: value for key, value in values.items() if value is not None}
    old.say("uri", "converted" if url else "not_needed", f"{to}.url" if url else "")
    if ssl and url and not address["url"].startswith("rediss:"):
        old.say("ssl", "left_out", advice="write rediss:// in job_queue.backend.url.")
    else:
        old.say("ssl", "converted" if is_tls else "not_needed", f"{to}.url" if is_tls else "")
    for key in _REDIS_PARTS:
        place = f"{to}.url" if "url" in address else f"{to}.{key}"
        _say_part(old, key, place if values[key] is not None and not url else "")
    queues = _queues(old, f"{to}.queues")
    return {**address, **({"queues": queues} if queues else {})}


def _say_part(old: Section, key: str, to: str) -> None:
    """A row for a part of an address, which now is at `to`, or not needed."""
    advice = IN_PLAIN_TEXT if to and key == "password" else ""
    old.say(key, "converted" if to else "not_needed", to, advice)


def _tls_options(old: Section, *, is_tls: bool, to: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, name in _TLS_OPTIONS.items():
        if not is_tls:
            old.not_needed(key)
        elif value := old.moved(key, to):
            options[name] = str(value)
    if is_tls and not old.take("verify_ssl"):
        # Upstream's default; here an unchecked certificate has to be asked for.
        options["ssl_cert_reqs"] = "none"
        old.say("verify_ssl", "converted", to, "no certificate is checked, as before.")
    else:
        old.not_needed("verify_ssl")
    return options


def _queues(old: Section, to: str) -> list[str]:
    value = old.take("queues")
    names = value.replace(" ", "").split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        old.say("queues", "not_needed")
        return []
    queues = [name for name in names if is_name(name) and name != "scheduler"]
    dropped = [name for name in names if not is_name(name)]
    advice = f"names cannot hold {', '.join(map(str, dropped))}." if dropped else ""
    if "scheduler" in names:
        advice = f"{advice} `scheduler` is left out: {_SCHEDULER_QUEUE}".strip()
    old.say("queues", "converted", to, advice)
    return queues


def _sql(queue: Section, backend: Section) -> dict[str, Any]:
    """The database of APScheduler's data store; an event broker is not needed."""
    to = f"{TO}.backend.url"
    store = backend.section("data_store")
    flat = not store and backend.has("type")
    if flat:
        # As upstream's README writes it.
        store = backend
    broker = "no event broker is needed here."
    for section in (queue, backend):
        section.not_needed("event_broker", advice=broker)
    backend.not_needed("cleanup_interval", advice="records go by themselves: history_ttl.")
    backend.left_out("max_concurrent_jobs", "set job_queue.num_workers.", default=10)
    backend.not_needed("default_job_executor")
    kind = str(store.take("type") or "memory")
    aliases = {"user": store.take("user")}
    names = ("host", "port", "database", "username", "password")
    values = {key: store.take(key) for key in names}
    values["username"] = values["username"] or aliases["user"]
    uri = store.take("uri")
    address: dict[str, Any] = {}
    if kind == "postgresql":
        address["url"] = _url("postgresql", values, _SQL_DEFAULTS, {})
        if uri:
            address["url"] = "postgresql://" + str(uri).partition("://")[2]
        store.left_out("schema", "set it as the search_path of the role, or in the url's options.")
    elif kind == "sqlite" and (path := str(uri or values["database"] or "")):
        address["url"] = "sqlite:///" + path.rpartition(":///")[2]
    advice = "" if address else _without_address(kind)
    keeps = kind in ("postgresql", "sqlite")
    store.say("type", "converted" if keeps else "left_out", to if keeps else "", advice)
    for key in (*names, "user", "uri"):
        is_set = bool(address) and (values.get(key) or aliases.get(key) or (key == "uri" and uri))
        _say_part(store, key, to if is_set else "")
    if flat:
        return address
    backend.rows += store.close()
    return address


def _without_address(kind: str) -> str:
    if kind in ("memory", "sqlite"):
        return "jobs are kept in the SQLite file .flowerpower/jobs.db, also when a worker ends."
    return f"there is no {kind} here. {_NOT_HERE}"


def _url(
    scheme: str, values: dict[str, Any], defaults: dict[str, Any], options: dict[str, str]
) -> str:
    parts = {**defaults, **{key: value for key, value in values.items() if value is not None}}
    login = "".join(
        [
            _quoted(parts.get("username") or ""),
            *(f":{_quoted(p)}" for p in [parts.get("password")] if p),
        ]
    )
    query = f"?{urlencode(options, safe='/')}" if options else ""
    address = f"{parts['host']}:{parts['port']}/{parts.get('database') or 0}"
    return f"{scheme}://{login}{'@' if login else ''}{address}{query}"


def _quoted(value: object) -> str:
    # What the environment holds cannot be escaped here; it is put into the URL as it is.
    text = str(value)
    return text if "${" in text else quote(text, safe="")
