"""SIPp as a peer: scenarios from a few words, with what each message must hold.

    uac = Scenario("uac", send(INVITE), recv(100, optional=True), recv(180), recv(200, "Contact: <sip:tdgate@"), …)
    await uac.run(folder, local=port, remote=port)

A line that `recv` names must be there as a regular expression; `absent` ones must not. SIPp is Debian's `sip-tester`.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape

from tests.tools.ports import free_port as free_port

SIPP = shutil.which("sipp")
#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0

SDP = (
    "v=0\no=user1 53655765 2353687637 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n"
    "m=audio 6000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n"
)


def message(text: str, body: str = "") -> str:
    """A message of SIPp: header lines as written, Content-Length by SIPp."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if body:
        lines.append("Content-Type: application/sdp")
    return "\n".join([*lines, "Content-Length: [len]", "", body])


def send(text: str, body: str = "", *, retrans_ms: int = 0, label: str = "") -> str:
    attributes = f' retrans="{retrans_ms}"' if retrans_ms else ""
    return f"{label}<send{attributes}><![CDATA[\n{message(text, body)}\n]]></send>"


def recv(
    what: int | str,
    *holds: str,
    absent: Sequence[str] = (),
    optional: bool = False,
    more: str = "",
    kept: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """`holds` are regular expressions over the whole message; `absent` must match nowhere. `kept` are variables and the
    header field that each keeps: `kept={"via": "Via:"}`.
    """
    kind = f'response="{what}"' if isinstance(what, int) else f'request="{what}"'
    attributes = (' optional="true"' if optional else "") + (f" {more}" if more else "")
    actions = "".join(
        f'<ereg regexp={_quoted(each)} search_in="msg" check_it="true" assign_to="held"/>' for each in holds
    )
    actions += "".join(
        f'<ereg regexp={_quoted(each)} search_in="msg" check_it_inverse="true" assign_to="held"/>' for each in absent
    )
    actions += "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{header}" check_it="true" assign_to="{name}"/>'
        for name, header in kept.items()
    )
    return f"<recv {kind}{attributes}>{f'<action>{actions}</action>' if actions else ''}</recv>"


def _quoted(expression: str) -> str:
    # WHY a dot for a quote: SIPp ends an attribute at the next one, however it is written.
    return '"' + escape(expression).replace('"', ".") + '"'


def pause(ms: int) -> str:
    return f'<pause milliseconds="{ms}"/>'


#: What a UAS that asks something itself has to keep of the INVITE.
KEPT = (
    '<recv request="INVITE"><action>'
    '<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>'
    '<ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="from"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="to"/>'
    "</action></recv>"
)


@dataclass
class Scenario:
    """One side of a call, on `host`, which calls `remote_host`. `calls` how often it runs."""

    name: str
    steps: Sequence[str]
    calls: int = 1
    options: Sequence[str] = ()
    host: str = "127.0.0.1"
    remote_host: str = "127.0.0.1"
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    def xml(self) -> str:
        steps = "\n".join(self.steps)
        names = [name for name in ("held", "from", "to", "target", "via", "cseq") if f'assign_to="{name}"' in steps]
        used = f'<Reference variables="{",".join(names)}"/>' if names else ""
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.name}">\n{steps}\n{used}\n</scenario>\n'

    async def start(self, folder: Path, *, local: int, remote: int, transport: str = "u1") -> Scenario:
        """Starts it; a side that listens does so when this returns."""
        assert SIPP is not None
        file = folder / f"{self.name}.xml"
        file.write_text(self.xml(), encoding="utf-8")
        self.log = folder / f"{self.name}.messages"
        self.process = await asyncio.create_subprocess_exec(
            SIPP,
            f"{self.remote_host}:{remote}",
            *("-sf", str(file), "-i", self.host, "-p", str(local), "-m", str(self.calls), "-t", transport),
            *("-nostdin", "-trace_msg", "-message_file", str(self.log), "-trace_err"),
            *("-error_file", str(folder / f"{self.name}.errors"), "-timeout", "20s", "-timeout_error", "-rp", "1000"),
            *self.options,
            cwd=folder,
            stdout=(folder / f"{self.name}.out").open("wb"),
            stderr=asyncio.subprocess.STDOUT,
        )
        if transport.startswith("u"):
            await listens(local, "udp", self.process)
        return self

    async def done(self) -> None:
        """Waits for its end; all calls must have gone as written."""
        assert self.process is not None
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        assert code == 0, f"{self.name} ended with {code}\n{self.problems()}"

    def problems(self) -> str:
        errors = self.log.with_name(f"{self.name}.errors")
        text = errors.read_text(errors="replace") if errors.exists() else ""
        return text[:3000] + "\n…\n" + self.messages()[-6000:]

    def messages(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def received(self, first: str) -> list[str]:
        """Messages that came and whose first line fits."""
        parts = re.split(r"-{20,}[^\n]*\n", self.messages())
        found = []
        for part in parts:
            head, _, rest = part.partition("\n\n")
            if "message received" in head and re.match(first, rest):
                found.append(rest)
        return found

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def listens(port: int, kind: str, process: asyncio.subprocess.Process) -> None:
    """Returns once a process has opened its port, or ended."""
    async with asyncio.timeout(LIMIT_S):
        for _ in range(10_000):
            if bound(port, kind) or process.returncode is not None:
                return
            # WHY a pause: a port that opens in another process is no event one could wait for.
            await asyncio.sleep(0.01)


def bound(port: int, kind: str) -> bool:
    """Whether somebody has this port, of `udp` or `tcp`."""
    return f":{port:04X} " in Path(f"/proc/net/{kind}").read_text()
