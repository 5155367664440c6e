"""What an agent's turn may cost, by our own prices: the program's sum runs on through a session, and is invented for
models that it does not know.
"""

from datetime import datetime

from core.errors import ErrorKind, ProviderError
from core.pricing import cost
from core.types import AgentTask, Price, Usage

_SPENT = (
    "The agent has used the ${limit} that this project allows for a turn or for today. What it did is kept: tell it to"
    " go on, or allow more on the Projects page."
)


def check_budget(task: AgentTask | None, usage: Usage, price: Price, at: datetime) -> None:
    """Raise ProviderError once the tokens so far cost what is allowed. Tokens without a price cannot be held to it."""
    if task is None or task.max_cost_usd is None:
        return
    spent = cost(usage, price, at).total
    if spent is not None and spent >= task.max_cost_usd:
        raise ProviderError(ErrorKind.BUDGET, _SPENT.replace("{limit}", f"{task.max_cost_usd.normalize():f}"))
