"""The configuration of notices: who is told of what, under `notify`, and the ping of a schedule."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from flowerpower.config.types import Configuration, Duration
from flowerpower.text import remember_secret

NoticeKind = Literal["failed", "recovered", "missed", "late", "lost", "finished"]
"""As flowerpower.jobs.event.EventKind, which tells what they mean."""
TARGET_KINDS = ("command", "webhook", "apprise")
"""The keys of which a target has exactly one."""
SEND_TIMEOUT = 30.0
"""Seconds that sending one notice may take, unless a target says otherwise."""
MAX_SEND_TIMEOUT = 60.0
_UNSET = re.compile(r"\$\{\w+\}", re.ASCII)
"""What stands for a variable that is set for the workers alone (see `read_declared`)."""
_MIN_PART = 8
"""Characters; a shorter part of a URL is hardly a token, and masking it would hide other text."""


def _secret_url(value: str, *tokens: str) -> str:
    """The URL itself; from now on it is masked, with its parts that may be tokens, and `tokens`."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(value)
    login = parts.netloc.rpartition("@")[0]
    for part in (*parts.path.split("/"), *re.split("[&=]", parts.query), login, *tokens):
        for text in (part, unquote(part)):
            if len(text) >= _MIN_PART:
                remember_secret(text)
    remember_secret(parts.password or "")
    remember_secret(value)
    return value


def _web_url(value: str) -> str:
    # Imported where there is a URL: every command reads this class.
    from urllib.parse import urlsplit

    # Nothing of the URL is in a message: all of it may be secret.
    try:
        parts = urlsplit(value)
        is_known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_known = False
    if _UNSET.fullmatch(value):
        return value
    if not is_known or re.search(r"[\x00-\x20\x7f]", value):
        raise ValueError("expected a URL that begins with http:// or https:// and names a host.")
    return _secret_url(value)


def _apprise_url(value: str) -> str:
    if _UNSET.fullmatch(value):
        return value
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value) or re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("expected one of Apprise's URLs, such as mailto://… or slack://….")
    # In many of them a token stands in the place of a host.
    host = re.split("[/?#]", value.partition("://")[2])[0].rpartition("@")[2]
    return _secret_url(value, *(() if "." in host else (host,)))


def _command(value: object) -> object:
    given = value if isinstance(value, list) else [value]
    words = [word for word in given if isinstance(word, str)]
    if not words or len(words) < len(given):
        raise ValueError("expected text for a shell, or a list of texts: a program, its arguments.")
    if not words[0].strip() or any("\0" in word for word in words):
        raise ValueError("a command cannot be empty or hold a NUL character.")
    return value


def _secret(value: str) -> str:
    if not value:
        raise ValueError("expected a secret, got empty text.")
    remember_secret(value)
    return value


def _send_timeout(value: float) -> float:
    if not 0 < value <= MAX_SEND_TIMEOUT:
        raise ValueError(f"expected more than 0 and at most {MAX_SEND_TIMEOUT:g} seconds.")
    return value


WebUrl = Annotated[str, AfterValidator(_web_url)]
"""http or https; masked wherever it would be shown."""


class TargetConfig(Configuration):
    """Where a notice goes: to a command, a webhook, or a service of Apprise's."""

    command: Annotated[str | list[str] | None, BeforeValidator(_command)] = None
    webhook: WebUrl | None = None
    secret: Annotated[str, AfterValidator(_secret)] | None = None
    apprise: Annotated[str, AfterValidator(_apprise_url)] | None = None
    timeout: Annotated[Duration, AfterValidator(_send_timeout)] = SEND_TIMEOUT

    @property
    def kind(self) -> str:
        """Which of TARGET_KINDS it is."""
        return next(kind for kind in TARGET_KINDS if getattr(self, kind) is not None)

    @property
    def label(self) -> str:
        """What it is called in messages: without what may be secret."""
        if self.webhook is not None:
            from urllib.parse import urlsplit

            return f"webhook at {urlsplit(self.webhook).hostname}"
        if self.apprise is not None:
            return f"apprise {self.apprise.partition(':')[0]}"
        words = self.command.split() if isinstance(self.command, str) else self.command or [""]
        return f"command {words[0]}"

    @model_validator(mode="after")
    def _is_one_kind(self) -> TargetConfig:
        kinds = [kind for kind in TARGET_KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            got = f"got {' and '.join(kinds)}" if kinds else "got none"
            raise ValueError(f"expected exactly one of {', '.join(TARGET_KINDS)}, {got}.")
        if self.secret is not None and self.webhook is None:
            raise ValueError(f"secret is for a webhook; a target with {kinds[0]} has none.")
        return self


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


Targets = Annotated[list[TargetConfig], BeforeValidator(_listed)]


class NotifyConfig(Configuration):
    """One entry under `notify`: what happens, and who is told of it."""

    on: Annotated[list[NoticeKind], BeforeValidator(_listed), Field(min_length=1)]
    to: Annotated[Targets, Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _has_both(cls, data: Any) -> Any:
        missing = [key for key in ("on", "to") if isinstance(data, dict) and data.get(key) is None]
        if missing and not set(data) - {"on", "to"}:
            what = {"on": "what to tell of, such as [failed, recovered]", "to": "whom to tell"}
            raise ValueError(f"expected the key {missing[0]}: {what[missing[0]]}.")
        return data


Notify = Annotated[list[NotifyConfig], BeforeValidator(_listed)]
"""One mapping, or a list of them."""


class SchedulePing(Configuration):
    """What a notice needs of an entry under `schedule`."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    ping: WebUrl | None = None


class PipelineNotices(Configuration):
    """What a notice needs of `conf/pipelines/NAME.yml`, whatever else is wrong there."""

    model_config = ConfigDict(extra="ignore")

    notify: Notify = []
    schedule: Annotated[list[SchedulePing], BeforeValidator(_listed)] = []
