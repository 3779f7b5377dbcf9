"""Knowing within a second which sessions have ended, for back ends that may follow the events of the admin API."""

import http.client
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from .errors import Refused, Unavailable
from .fetch import MAX_ANSWER, open_answer

# A connection that is quiet gets a comment every 15 seconds.
MAX_SILENCE = 30
# How long after a connection that ended the next one is made, in seconds.
PAUSE = 1
# How far the clock of the server may differ, and how much longer than a token lives is remembered that it is over, in seconds.
SLACK = 60


class _Ended:
    """Sessions that have ended, and for people, or None for everybody, the last moment before which a token is refused, for
    each session that was left out."""

    def __init__(self):
        self.sessions: set[str] = set()
        self.people: dict[str | None, dict[str | None, float]] = {}

    def has(self, sub: str, sid: str, begin: float) -> bool:
        ends = [end for person in (sub, None) for end in self.people.get(person, {}).items()]
        return sid in self.sessions or any(left_out != sid and begin <= at for left_out, at in ends)


class Follower:
    """Knows which sessions have ended. Make one, start it, and give it to a verifier. Threads may share it.

    `admin` is the address of the admin API, `token` an admin token of the role viewer, and `longest` how long a token lives at
    the most, in seconds. `lost` is told why a connection failed.
    """

    def __init__(
        self,
        admin: str,
        token: str,
        longest: int,
        lost: Callable[[Exception], None] = lambda error: None,
        now: Callable[[], float] = time.time,
        after: int | None = None,
    ):
        if not isinstance(longest, (int, float)) or not 0 < longest < float("inf"):
            raise ValueError("longest must be how many seconds a token lives at the most")
        self._admin, self._headers, self._longest = admin.removesuffix("/"), {"Authorization": f"Bearer {token}"}, longest
        self._lost, self._now, self._last = lost, now, after
        self._lock = threading.Lock()
        self._text, self._is_caught_up = "", False
        self._heard = float("-inf")
        self._ended, self._older, self._turned = _Ended(), _Ended(), 0.0

    def start(self) -> None:
        """Follows in a thread of its own, for as long as the program runs."""
        threading.Thread(target=self._run, name="sessera-events", daemon=True).start()

    def check(self, claims: dict[str, Any]) -> None:
        """Refuses claims whose session has ended. Nobody can say so while the events cannot be had."""
        sub, sid, begin = claims.get("sub"), claims.get("sid"), claims.get("iat")
        if not isinstance(sid, str) or not isinstance(begin, (int, float)) or claims["exp"] - begin > self._longest:
            raise Refused("the token names no session, or it lives longer than what has ended is remembered")
        with self._lock:
            if self._now() - self._heard > MAX_SILENCE:
                raise Unavailable("nobody knows which sessions have ended")
            if self._ended.has(sub, sid, begin) or self._older.has(sub, sid, begin):
                raise Refused("the session has ended")

    def _run(self) -> None:
        while True:
            try:
                self._follow()
            except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError, AttributeError) as error:
                self._lost(error)
            time.sleep(PAUSE)

    def _follow(self) -> None:
        """Makes a connection and hears all of it. One that is lost without a word is given up."""
        if self._last is None:
            self._last = self._find_beginning()
        headers = {"Last-Event-ID": str(self._connected())}
        with self._open("/admin/events?outcome=done", headers) as answer:
            for line in answer:
                self._hear(line.decode())

    def _find_beginning(self) -> int:
        """Behind which event to begin: what has to be known is what happened while a token was good that still is."""
        until = datetime.fromtimestamp(self._now() - self._longest - SLACK, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._open(f"/admin/audit?{urllib.parse.urlencode({'page_size': 1, 'until': until})}", {}) as answer:
            entries = json.loads(answer.read(MAX_ANSWER))
        return entries[0]["number"] if entries else 0

    def _open(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        answer = open_answer(urllib.request.Request(self._admin + path, headers=headers | self._headers), MAX_SILENCE)
        if answer.status != 200:
            answer.close()
            if answer.status == 400:
                self._forget()
            raise OSError(f"the events cannot be followed: the server answers {answer.status}")
        return answer

    def _forget(self) -> None:
        """Knows nothing, and begins as a new one does. The record has not reached what was heard: it is another one, as after a
        backup was brought back."""
        with self._lock:
            self._last, self._heard = None, float("-inf")
            self._ended, self._older, self._turned = _Ended(), _Ended(), 0.0

    def _connected(self) -> int | None:
        """Begins anew, and gives the number behind which to go on."""
        self._text, self._is_caught_up = "", False
        return self._last

    def _hear(self, part: str) -> None:
        """Takes in a part of the events."""
        *events, self._text = (self._text + part).split("\n\n")
        if len(self._text) > MAX_ANSWER:
            raise ValueError("an event is too long")
        for event in events:
            self._note(event)

    def _note(self, event: str) -> None:
        self._is_caught_up = self._is_caught_up or event == ": caught up"
        for line in event.split("\n"):
            if line.startswith("data: "):
                with self._lock:
                    self._remember(json.loads(line.removeprefix("data: ")))
        # What happened before is not known until all of it is read.
        if self._is_caught_up:
            self._heard = self._now()

    def _remember(self, entry: dict[str, Any]) -> None:
        self._last = entry["number"]
        action, about, now = entry["action"], entry["about"], self._now()
        # Twice at the most: what has ended stays in memory for as long as its tokens may live.
        if now - self._turned > self._longest + SLACK:
            self._ended, self._older, self._turned = _Ended(), self._ended, now
        is_off = action == "identity_changed" and about.get("state") == "inactive"
        if entry["outcome"] != "done":
            return
        if action == "session_ended":
            self._ended.sessions.add(about["session_id"])
        elif action in ("sessions_ended", "identity_deleted") or is_off:
            ends = self._ended.people.setdefault(about.get("identity_id"), {})
            ends[about.get("except")] = datetime.fromisoformat(entry["at"].replace("Z", "+00:00")).timestamp()
