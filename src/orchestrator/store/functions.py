"""The few functions that SQL needs from the domain: the lot, the due moment, the address hash.

SQLite calls the domain's own Python. PostgreSQL has the same functions in its own words
(``POSTGRESQL``, put there by a migration); tests hold both against the domain.
"""

import hashlib
import sqlite3
from datetime import datetime, time

from sqlalchemy import BigInteger, ColumnElement, Function, Integer, String, and_, case, func

from orchestrator.domain import arms
from orchestrator.domain.calendar import QuietHours, Span
from orchestrator.store import wall_clock
from orchestrator.store.tables.types import MICROSECOND, micros


def lot(person: ColumnElement[str], salt: str) -> Function[int]:
    """The person's lot, 0 … 9,999 (``domain.arms.draw_lot``)."""
    return func.orch_lot(person, salt, type_=Integer)


def due_at(
    anchor: ColumnElement[int],
    span: Span,
    zone: ColumnElement[str],
    quiet: QuietHours | None,
) -> Function[int]:
    """The anchor plus the span on the wall clock of the zone, moved out of the quiet hours."""
    begins, ends = (_minutes(quiet.begins), _minutes(quiet.ends)) if quiet else (-1, -1)
    return func.orch_due_at(
        anchor, span.months, span.days, span.seconds, zone, begins, ends, type_=BigInteger
    )


def due_near(
    anchor: ColumnElement[int], span: Span, zone: ColumnElement[str], *, now: datetime, usual: str
) -> ColumnElement[int]:
    """``due_at``, by plain addition for those in the usual zone while its clock stands still."""
    asked = due_at(anchor, span, zone, None)
    if span.months:
        return asked
    begins, ends = wall_clock.steady_around(micros(now), usual)
    ahead = span.timedelta // MICROSECOND
    plain = and_(zone == usual, anchor.between(begins - min(ahead, 0), ends - max(ahead, 0)))
    return case((plain, anchor + ahead), else_=asked)


def awake_at(
    moment: ColumnElement[int], zone: ColumnElement[str], quiet: QuietHours | None
) -> ColumnElement[int]:
    """The moment itself, or the end of the quiet hours that it falls into."""
    return moment if quiet is None else due_at(moment, Span(), zone, quiet)


def address_hash(address: ColumnElement[str], key: str) -> Function[str]:
    return func.orch_address_hash(address, key, type_=String)


def hash_address(address: str, key: str) -> str:
    """Return 128 bits of SHA-256 over the installation's key and the normalised address, as hex."""
    return hashlib.sha256(f"{key}:{address}".encode()).hexdigest()[:32]


def register(connection: sqlite3.Connection) -> None:
    connection.create_function("orch_lot", 2, arms.draw_lot, deterministic=True)
    connection.create_function("orch_due_at", 7, _due_at, deterministic=True)
    connection.create_function("orch_address_hash", 2, _hash_or_none, deterministic=True)


def _minutes(wall: time) -> int:
    return wall.hour * 60 + wall.minute


def _due_at(  # noqa: PLR0917  # SQL passes by position
    anchor: int | None, months: int, days: int, seconds: int, zone: str, begins: int, ends: int
) -> int | None:
    if anchor is None:
        return None
    return wall_clock.due_at(anchor, months, days, seconds, zone, begins, ends)


def _hash_or_none(address: str | None, key: str) -> str | None:
    return None if address is None else hash_address(address, key)


# A wall time that comes twice: PostgreSQL takes the later instant, the domain the first. Reading
# the wall time with the offset of a day before gives the first wherever there are two.
POSTGRESQL = (
    """
CREATE OR REPLACE FUNCTION orch_lot(person text, salt text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (('x' || substr(encode(sha256(convert_to(salt || ':' || person, 'UTF8')), 'hex'), 1, 8))
          ::bit(32)::bigint % 10000)::integer
$$
""",
    """
CREATE OR REPLACE FUNCTION orch_address_hash(address text, key text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT substr(encode(sha256(convert_to(key || ':' || address, 'UTF8')), 'hex'), 1, 32)
$$
""",
    """
CREATE OR REPLACE FUNCTION orch_moment(micros bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT timestamptz 'epoch' + (micros / 1000000) * interval '1 second'
         + (micros % 1000000) * interval '1 microsecond'
$$
""",
    """
CREATE OR REPLACE FUNCTION orch_micros(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (extract(epoch FROM at) * 1000000)::bigint
$$
""",
    """
CREATE OR REPLACE FUNCTION orch_instant(wall timestamp, zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  later timestamptz := wall AT TIME ZONE zone;
  day_before timestamptz := later - interval '24 hours';
  earlier timestamptz :=
    (wall - ((day_before AT TIME ZONE zone) - (day_before AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC';
BEGIN
  IF earlier < later AND (earlier AT TIME ZONE zone) = wall THEN
    RETURN earlier;
  END IF;
  RETURN later;
END
$$
""",
    """
CREATE OR REPLACE FUNCTION orch_due_at(
  anchor bigint, months integer, days integer, seconds bigint, zone text,
  begins integer, ends integer
) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  due timestamptz := orch_moment(anchor);
  wall timestamp;
  minute numeric;
  ending timestamp;
  first timestamptz;
BEGIN
  IF months <> 0 OR days <> 0 THEN
    due := orch_instant(
      (due AT TIME ZONE zone) + make_interval(months => months) + make_interval(days => days), zone);
  END IF;
  due := due + make_interval(secs => seconds);
  IF begins < 0 THEN
    RETURN orch_micros(due);
  END IF;
  wall := due AT TIME ZONE zone;
  minute := extract(epoch FROM wall::time) / 60;
  IF (begins <= ends AND (minute < begins OR minute >= ends))
     OR (begins > ends AND minute < begins AND minute >= ends) THEN
    RETURN orch_micros(due);
  END IF;
  ending := date_trunc('day', wall) + make_interval(mins => ends);
  IF begins > ends AND minute >= begins THEN
    ending := ending + interval '1 day';
  END IF;
  first := orch_instant(ending, zone);
  IF first < due THEN
    first := ending AT TIME ZONE zone;
  END IF;
  RETURN orch_micros(first);
END
$$
""",
)
