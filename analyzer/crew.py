"""What a worker of each stage is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import faust

from analyzer import __version__, preflight
from analyzer.analyst import Analyst
from analyzer.core.detect import Judge
from analyzer.core.model import SECOND_MS
from analyzer.core.sighting import Sight
from analyzer.core.terminal import TerminalJudge
from analyzer.core.terminal_surge import TerminalSurge
from analyzer.desk import CardDesk, Notifier, TerminalDesk
from analyzer.engine import changelog_client, make_app
from analyzer.metrics import Metrics, TerminalMetrics
from analyzer.restore import Restorer
from analyzer.schema_cache import confluent_cache, glue_cache
from analyzer.settings import AnalyzerSettings
from analyzer.stage import CARDS, TERMINALS, Stage
from analyzer.states import States
from analyzer.terminal_wire import SightingReader, TerminalCodec
from analyzer.wire import StateCodec, TransactionReader
from schemas.codec import Decoder, Encoder
from schemas.registry import ConfluentRegistry, GlueRegistry
from schemas.settings import KafkaSettings
from schemas.topics import NOTIFICATIONS, SIGHTINGS


@dataclass(frozen=True, slots=True)
class Crew:
    """A stage and what works in it."""

    stage: Stage
    app: faust.App
    analyst: Analyst[Any, Any]
    restorer: Restorer


def crew_of(
    kafka: KafkaSettings, registry: GlueRegistry, confluent_url: str, settings: AnalyzerSettings, stage: Stage
) -> Crew:
    """Return what works in `stage`.

    Raises:
        UserError, UnavailableError: what it needs is missing or away; see `preflight.check`.
    """
    encoders = preflight.check(kafka, registry, stage)
    analyst: Analyst[Any, Any]
    if stage is CARDS:
        analyst = _cards(registry, confluent_url, settings, encoders)
    else:
        analyst = _terminals(registry, settings, encoders)
    restorer = Restorer(lambda: changelog_client(kafka), stage, analyst.states)
    return Crew(stage, make_app(kafka, stage, settings.send_timeout_s), analyst, restorer)


def _cards(
    registry: GlueRegistry, confluent_url: str, settings: AnalyzerSettings, encoders: Mapping[str, Encoder]
) -> Analyst[Any, Any]:
    confluent = confluent_cache(ConfluentRegistry(confluent_url)) if confluent_url else None
    transactions = Decoder(glue_cache(registry), reader="transaction", confluent=confluent, logical_types=False)
    desk = CardDesk(
        reader=TransactionReader(transactions),
        judge_=Judge(
            alert_threshold=settings.alert_threshold, allowed_lateness_ms=settings.allowed_lateness_s * SECOND_MS
        ),
        sight=Sight(),
        notifier=_notifier(encoders),
        sightings=encoders[SIGHTINGS],
        metrics=Metrics(),
    )
    decoder = Decoder(registry, reader="card_state", logical_types=False)
    return Analyst(
        desk, States(StateCodec(encoders[CARDS.changelog], decoder)), _now, settings.max_dead_letters_in_a_row
    )


def _terminals(
    registry: GlueRegistry, settings: AnalyzerSettings, encoders: Mapping[str, Encoder]
) -> Analyst[Any, Any]:
    desk = TerminalDesk(
        reader=SightingReader(Decoder(glue_cache(registry), reader="sighting", logical_types=False)),
        judge_=TerminalJudge(TerminalSurge(), alert_threshold=settings.alert_threshold),
        notifier=_notifier(encoders),
        metrics=TerminalMetrics(),
    )
    decoder = Decoder(registry, reader="terminal_state", logical_types=False)
    codec = TerminalCodec(encoders[TERMINALS.changelog], decoder)
    return Analyst(desk, States(codec), _now, settings.max_dead_letters_in_a_row)


def _now() -> datetime:
    return datetime.now(UTC)


def _notifier(encoders: Mapping[str, Encoder]) -> Notifier:
    return Notifier(encoders[NOTIFICATIONS], _now, __version__)
