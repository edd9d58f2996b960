"""A template as data: what it says, what it needs, and that it can do nothing but say it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, TemplateSyntaxError, nodes

from orchestrator.domain.messages import Channel
from orchestrator.playbooks.context import CONTEXT, VariableType
from orchestrator.playbooks.problems import Problem, did_you_mean

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 8  #: of conditions within conditions, and of parentheses
MAX_NUMBER = 1000  #: largest number in a template: a filter cannot be told to make megabytes
BLOCKS = {Channel.SMS: ("text",), Channel.EMAIL: ("subject", "text", "html")}
REQUIRED_BLOCKS = {Channel.SMS: ("text",), Channel.EMAIL: ("subject", "text")}
#: name → how many arguments it takes
FILTERS: Mapping[str, tuple[int, int]] = {
    "capitalize": (0, 0),
    "date": (0, 0),
    "default": (2, 2),
    "lower": (0, 0),
    "money": (0, 0),
    "title": (0, 0),
    "trim": (0, 0),
    "truncate": (1, 4),
    "upper": (0, 0),
    "urlencode": (0, 0),
}
_OF_TYPE = {"money": VariableType.MONEY, "date": VariableType.DATE}
_OPTING_OUT = ("STOP", "退订", "拒收")
_OUTPUT_ONLY = "Templates only print variables and choose with {% if %}."


@dataclass(slots=True)
class Block:
    """What one block says: all its variables, those it prints in any case, its fixed words."""

    used: dict[str, int] = field(default_factory=dict)
    certain: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    path: str
    channel: Channel
    blocks: Mapping[str, Block]

    @property
    def variables(self) -> dict[str, int]:
        """Every variable with the line that first uses it, branches not taken included."""
        found: dict[str, int] = {}
        for block in self.blocks.values():
            for name, line in block.used.items():
                found[name] = min(line, found.get(name, line))
        return found

    @property
    def bodies(self) -> list[Block]:
        return [block for name, block in self.blocks.items() if name != "subject"]


def read_template(
    path: str, source: str, channel: Channel, problems: list[Problem]
) -> TemplateFacts | None:
    """Return what the template says; None where it cannot be read at all."""
    reader = _TemplateReader(path, problems)
    if len(source) > MAX_CHARACTERS:
        reader.complain(1, f"longer than {MAX_CHARACTERS:,} characters", "Shorten it.")
        return None
    try:
        tree = Environment(autoescape=True).parse(source)
    except TemplateSyntaxError as error:
        reader.complain(error.lineno, f"not a template: {error.message}", "Correct this line.")
        return None
    except RecursionError:
        reader.complain(1, "nested too deep", "Write it flat.")
        return None
    facts = TemplateFacts(path, channel, reader.read(tree, channel))
    _check_legal_notice(facts, reader)
    return facts


class _TemplateReader:
    def __init__(self, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.block = Block()

    def complain(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, line, message, remedy))

    def read(self, tree: nodes.Template, channel: Channel) -> dict[str, Block]:
        if channel is Channel.SMS:
            self._statements(tree.body, frozenset(), depth=0)
            return {"text": self.block}
        blocks: dict[str, Block] = {}
        for node in self._top_blocks(tree):
            if node.name in blocks:
                self.complain(node.lineno, f"a second block {node.name}", "Keep one.")
            block = self._email_block(node)
            if node.name in BLOCKS[channel]:
                blocks[node.name] = block
        for name in REQUIRED_BLOCKS[channel]:
            if name not in blocks:
                text = f"{{% block {name} %}}…{{% endblock %}}"
                self.complain(1, f"the e-mail has no block {name}", f"Add {text}.")
        return blocks

    def _top_blocks(self, tree: nodes.Template) -> Iterator[nodes.Block]:
        for node in tree.body:
            if isinstance(node, nodes.Block):
                yield node
            elif not isinstance(node, nodes.Output):
                self._refuse(node)
            elif not _is_blank(node):
                self.complain(
                    node.lineno, "text outside the blocks", "Move it into subject, text or html."
                )

    def _email_block(self, node: nodes.Block) -> Block:
        known = BLOCKS[Channel.EMAIL]
        if node.name not in known:
            self.complain(node.lineno, f"unknown block {node.name}", did_you_mean(node.name, known))
        self.block = Block()
        self._statements(node.body, frozenset(), depth=0)
        return self.block

    def _statements(
        self, body: Iterable[nodes.Node], guarded: frozenset[str], *, depth: int
    ) -> None:
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    self._printed(part, guarded, depth)
            elif isinstance(node, nodes.If) and depth < MAX_DEPTH:
                self._choice(node, guarded, depth)
            else:
                self._refuse(node)

    def _printed(self, node: nodes.Expr, guarded: frozenset[str], depth: int) -> None:
        if isinstance(node, nodes.TemplateData):
            if "{{" in node.data or "{%" in node.data:
                self.complain(node.lineno, "braces that are printed as they are", _OUTPUT_ONLY)
            if depth == 0:
                self.block.words.append(node.data)
            return
        self._expression(node, guarded, 0)
        if depth == 0 and not isinstance(node, nodes.CondExpr):
            self.block.certain |= _variables(node)

    def _choice(self, node: nodes.If, guarded: frozenset[str], depth: int) -> None:
        self._tested(node.test)
        self._statements(node.body, guarded | _variables(node.test), depth=depth + 1)
        for other in node.elif_:
            self._choice(other, guarded, depth)
        self._statements(node.else_, guarded, depth=depth + 1)

    def _tested(self, node: nodes.Node, level: int = 0) -> None:
        self._expression(node, _variables(node), level)

    def _expression(self, node: nodes.Node, guarded: frozenset[str], level: int) -> None:
        if level > MAX_DEPTH:
            self.complain(node.lineno, "nested too deep", "Write it flat.")
        elif isinstance(node, nodes.Getattr | nodes.Name):
            self._variable(node, guarded)
        elif isinstance(node, nodes.Filter):
            self._filter(node, guarded, level)
        elif isinstance(node, nodes.Or):
            self._expression(node.left, guarded | _variables(node.left), level + 1)
            self._expression(node.right, guarded, level + 1)
        elif isinstance(node, nodes.And | nodes.Not | nodes.Compare | nodes.Operand):
            for child in node.iter_child_nodes():
                self._expression(child, guarded, level + 1)
        elif isinstance(node, nodes.CondExpr):
            self._inline_choice(node, guarded, level)
        elif not _is_plain_constant(node):
            self._refuse(node)

    def _inline_choice(self, node: nodes.CondExpr, guarded: frozenset[str], level: int) -> None:
        self._tested(node.test, level + 1)
        self._expression(node.expr1, guarded | _variables(node.test), level + 1)
        if node.expr2 is None:
            self.complain(node.lineno, "a choice without else", "Write {{ a if b else c }}.")
        else:
            self._expression(node.expr2, guarded, level + 1)

    def _filter(self, node: nodes.Filter, guarded: frozenset[str], level: int) -> None:
        if node.node is None or node.name not in FILTERS:
            self.complain(
                node.lineno, f"unknown filter {node.name}", did_you_mean(node.name, FILTERS)
            )
            return
        self._filter_arguments(node, level)
        wanted = _OF_TYPE.get(node.name)
        name = _dotted(node.node)
        if wanted and (name not in CONTEXT or CONTEXT[name].type is not wanted):
            fitting = [known for known, variable in CONTEXT.items() if variable.type is wanted]
            self.complain(
                node.lineno,
                f"the filter {node.name} does not fit {name or 'this'}",
                f"It writes {', '.join(fitting)}.",
            )
        inside = guarded | _variables(node.node) if node.name == "default" else guarded
        self._expression(node.node, inside, level + 1)

    def _filter_arguments(self, node: nodes.Filter, level: int) -> None:
        least, most = FILTERS[node.name]
        plain = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        if not plain or not least <= len(node.args) <= most:
            usage = "default('…', true)" if node.name == "default" else f"{node.name}"
            self.complain(node.lineno, f"{node.name} is given the wrong values", f"Write {usage}.")
        for argument in node.args:
            self._expression(argument, frozenset(), level + 1)

    def _variable(self, node: nodes.Getattr | nodes.Name, guarded: frozenset[str]) -> None:
        name = _dotted(node)
        variable = CONTEXT.get(name)
        if variable is None:
            self.complain(node.lineno, f"unknown variable {name}", did_you_mean(name, CONTEXT))
            return
        self.block.used.setdefault(name, node.lineno)
        if variable.optional and name not in guarded:
            self.complain(
                node.lineno,
                f"{name} may be empty",
                f"Say what stands there then: {{{{ {name} or '…' }}}}.",
            )

    def _refuse(self, node: nodes.Node) -> None:
        what = type(node).__name__.lower()
        self.complain(node.lineno, f"{what} is not allowed in a template", _OUTPUT_ONLY)


def _check_legal_notice(facts: TemplateFacts, reader: _TemplateReader) -> None:
    for name, block in facts.blocks.items():
        if facts.channel is Channel.SMS:
            if not any(word in "".join(block.words) for word in _OPTING_OUT):
                reader.complain(
                    1, "the SMS does not say how to opt out", "End it with STOP, 退订 or 拒收."
                )
        elif name != "subject":
            for variable in ("shop.unsubscribe_url", "shop.postal_address"):
                if variable not in block.certain:
                    reader.complain(
                        1, f"the block {name} lacks {variable}", f"Print {{{{ {variable} }}}}."
                    )


def _variables(node: nodes.Node) -> frozenset[str]:
    own = {_dotted(node)} if isinstance(node, nodes.Getattr | nodes.Name) else set()
    if own <= {""}:
        own = {name for child in node.iter_child_nodes() for name in _variables(child)}
    return frozenset(own & CONTEXT.keys())


def _dotted(node: nodes.Node) -> str:
    """Return ``order.item`` for that variable, and nothing for what is not a plain variable."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{_dotted(node.node)}.{node.attr}"
    return ""


def _is_blank(node: nodes.Output) -> bool:
    return all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


def _is_plain_constant(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Const):
        return False
    value = node.value
    return isinstance(value, str) or (isinstance(value, int) and abs(value) <= MAX_NUMBER)
