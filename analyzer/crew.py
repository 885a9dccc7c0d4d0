"""What a worker of each stage is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import faust

from analyzer import __version__, preflight
from analyzer.analyst import Analyst
from analyzer.batch.decode import ColumnReader
from analyzer.batch.judge import BatchJudge
from analyzer.by_record import ByRecord
from analyzer.card_desk import CardDesk
from analyzer.card_states import CardStates
from analyzer.core.chain import Judges
from analyzer.core.terminal import TerminalJudge
from analyzer.desk import Notifier, TerminalDesk
from analyzer.engine import changelog_client, make_app
from analyzer.metrics import Metrics, TerminalMetrics
from analyzer.restore import Restorer
from analyzer.schema_cache import confluent_cache, glue_cache
from analyzer.settings import AnalyzerSettings
from analyzer.stage import CARDS, STAGES, TERMINALS, Stage
from analyzer.states import WindowStates
from analyzer.terminal_wire import SightingReader, TerminalCodec
from analyzer.wire import StateCodec, TransactionReader
from schemas.codec import Decoder, Encoder
from schemas.errors import UserError
from schemas.registry import ConfluentRegistry, GlueRegistry
from schemas.settings import KafkaSettings
from schemas.topics import NOTIFICATIONS, SHADOW, SIGHTINGS


@dataclass(frozen=True, slots=True)
class Reach:
    """What is outside of the process."""

    kafka: KafkaSettings
    registry: GlueRegistry
    confluent_url: str
    """Of the registry of records in Confluent's framing; empty: none."""


@dataclass(frozen=True, slots=True)
class Crew:
    """A stage and what works in it."""

    stage: Stage
    app: faust.App
    analyst: Analyst[Any]
    restorer: Restorer


def stages(settings: AnalyzerSettings, judges: Judges) -> tuple[Stage, ...]:
    """Return the stages that a worker has something to do in.

    Raises:
        UserError: it is told to work in the terminal stage alone, and that has no rule.
    """
    idle = () if judges.terminals else (TERMINALS,)
    if settings.stage == TERMINALS.name and idle:
        raise UserError(
            "the terminal stage has nothing to do: terminal_surge is off in the rules file. Enable it there, or run"
            " --stage cards"
        )
    return tuple(one for one in STAGES if settings.stage in {"both", one.name} and one not in idle)


def crew_of(reach: Reach, settings: AnalyzerSettings, judges: Judges, stage: Stage) -> Crew:
    """Return what works in `stage`.

    Raises:
        UserError, UnavailableError: what it needs is missing or away; see `preflight.check`.
    """
    encoders = preflight.check(reach.kafka, reach.registry, stage)
    analyst: Analyst[Any]
    if stage is CARDS or judges.terminals is None:
        analyst = _cards(reach, settings, judges, encoders)
    else:
        analyst = _terminals(reach.registry, settings, judges.terminals, encoders)
    restorer = Restorer(lambda: changelog_client(reach.kafka), stage, analyst.states)
    return Crew(stage, make_app(reach.kafka, stage, settings.send_timeout_s), analyst, restorer)


def _cards(reach: Reach, settings: AnalyzerSettings, judges: Judges, encoders: Mapping[str, Encoder]) -> Analyst[Any]:
    confluent = confluent_cache(ConfluentRegistry(reach.confluent_url)) if reach.confluent_url else None
    glue = glue_cache(reach.registry)
    transactions = Decoder(glue, reader="transaction", confluent=confluent, logical_types=False)
    decoder = Decoder(reach.registry, reader="card_state", logical_types=False)
    desk = CardDesk(
        columns=ColumnReader(glue, confluent),
        reader=TransactionReader(transactions),
        judge_=BatchJudge(judges.cards, judges.sight),
        notifier=_notifier(encoders),
        sightings=encoders[SIGHTINGS],
        states=CardStates(StateCodec(encoders[CARDS.changelog], decoder)),
        metrics=Metrics(),
    )
    return Analyst(desk, settings.max_dead_letters_in_a_row)


def _terminals(
    registry: GlueRegistry, settings: AnalyzerSettings, judge: TerminalJudge, encoders: Mapping[str, Encoder]
) -> Analyst[Any]:
    desk = TerminalDesk(
        reader=SightingReader(Decoder(glue_cache(registry), reader="sighting", logical_types=False)),
        judge_=judge,
        notifier=_notifier(encoders),
        metrics=TerminalMetrics(),
    )
    decoder = Decoder(registry, reader="terminal_state", logical_types=False)
    states = WindowStates(TerminalCodec(encoders[TERMINALS.changelog], decoder))
    return Analyst(ByRecord(desk, states), settings.max_dead_letters_in_a_row)


def _now() -> datetime:
    return datetime.now(UTC)


def _notifier(encoders: Mapping[str, Encoder]) -> Notifier:
    return Notifier(encoders[NOTIFICATIONS], encoders[SHADOW], _now, __version__)
