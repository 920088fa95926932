"""What the shell of pool mode keeps of each pool, of each ESME in it, and of tdgate's own messages. Opens nothing."""

import time

from proxy.core.records import Account
from proxy.judging.account_gate import AccountGate
from proxy.judging.pool_names import PoolNames
from proxy.judging.pool_returns import PoolReturns
from proxy.pool.desk import Desk
from proxy.pool.dispatch import Dispatch
from proxy.pool.ticket import Ticket
from proxy.smpp.text import AlphabetTable
from proxy.telemetry.status import BindKind


class OwnMessage:
    """Who asks for a message of tdgate's own: nobody waits for its answer."""

    def __init__(self, account: str) -> None:
        self.account: str = account

    def answered(self, ticket: Ticket, octets: bytes) -> None: ...

    def left_unknown(self, ticket: Ticket) -> None: ...

    def unroutable(self, ticket: Ticket) -> None: ...

    def stands(self, ticket: Ticket) -> bool:
        return True

    def called_back(self, ticket: Ticket) -> None: ...


class PoolState:
    """One pool while the process runs."""

    def __init__(self, dispatch: Dispatch, returns: PoolReturns, table: AlphabetTable, names: PoolNames) -> None:
        self.dispatch = dispatch
        self.names = names
        self.returns = returns
        self.table = table


class Seat:
    """One ESME bind in pool mode."""

    def __init__(self, account: Account, kind: BindKind, gate: AccountGate, desk: Desk) -> None:
        self.account = account
        self.kind = kind
        self.gate = gate
        self.desk = desk
        self.since = time.time()
