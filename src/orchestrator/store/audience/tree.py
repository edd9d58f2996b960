"""Rules that nest, as one condition with all its leaves."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, not_, or_, true

from orchestrator.playbooks.rules import Rule
from orchestrator.store.audience.conditions import Condition, Scope
from orchestrator.store.audience.rules import KINDS


@dataclass(frozen=True, slots=True)
class Leaf:
    path: str  #: where it stands in the playbook: ``audience.any[0].region``
    condition: Condition


@dataclass(frozen=True, slots=True)
class Compiled:
    holds: ColumnElement[bool]
    leaves: tuple[Leaf, ...]


def compile_rule(rule: Rule, scope: Scope, path: str) -> Compiled:
    leaves = [
        Leaf(f"{path}.{kind}", compile_kind(asked, scope))
        for kind, compile_kind in KINDS.items()
        if (asked := getattr(rule, kind)) is not None
    ]
    every = _each(rule.every, scope, f"{path}.all")
    some = _each(rule.some, scope, f"{path}.any")
    no = _each((rule.no,) if rule.no else None, scope, f"{path}.not")
    holds = and_(
        true(),
        *(leaf.condition.holds for leaf in leaves),
        *(part.holds for part in every),
        *([or_(*(part.holds for part in some))] if some else []),
        *(not_(part.holds) for part in no),
    )
    nested = (leaf for part in (*every, *some, *no) for leaf in part.leaves)
    return Compiled(holds, (*leaves, *nested))


def _each(parts: tuple[Rule, ...] | None, scope: Scope, path: str) -> list[Compiled]:
    numbered = not path.endswith(".not")
    return [
        compile_rule(part, scope, f"{path}[{position}]" if numbered else path)
        for position, part in enumerate(parts or ())
    ]
