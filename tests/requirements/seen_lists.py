"""What is seen of shared lists: signed documents over MQTT, a follower that acknowledges, lag, labels."""

from __future__ import annotations

import json

from proxy.evidence.keys import load_public_key
from proxy.lists.document import key_id_of, read_heading
from tests.requirements.looking import Shelf
from tests.requirements.stage import Stage
from tests.sharing.two_houses import Broker, Command
from tests.wire.house import toml

LISTS = Shelf()


@LISTS.shows(
    "J16 J24",
    "`tdgate registry publish` gives signed, numbered documents on a topic of a real broker; another house follows, "
    "acknowledges, and holds the same hash after a number was added; `tdgate registry recipients` and the metric "
    "`tdgate_list_lag_documents` show how far each recipient is",
    "`tdgate registry publish` 经真实消息代理的主题发布签名且编号的文档；另一家跟随并确认，新增号码后双方哈希一致；"
    "`tdgate registry recipients` 与指标 `tdgate_list_lag_documents` 显示各接收方进度",
)
async def a_list_is_published_and_followed(stage: Stage) -> None:
    there, here = stage.folder / "there.toml", stage.folder / "here.toml"
    state = stage.house.state
    async with Broker(stage.folder) as broker:
        bus = {"lists.broker": {"port": broker.port}}
        lists = {"issuer": "donggang", "look_s": 0.1, "http": {"port": 0}}
        there.write_text(f'state = "{state}"\n' + toml({"lists": lists, **bus}), encoding="utf-8")
        key = state / "keys" / "lists.public.pem"
        followed = {"public_keys": [str(key)], "source": "mqtt", "recipient": "nangang"}
        here.write_text('state = "here"\n' + toml({"lists.follow.donggang": followed, **bus}), encoding="utf-8")
        async with Command(there, "registry", "publish", "--serve") as publishing:
            url = await publishing.line("lists:")
            async with Command(here, "registry", "follow") as following:
                await following.told("list.taken_in", document=1, kind="snapshot")
                await stage.done("registry", "dispose", "10690031", "--reason", "虚构", "--by", "主管部门（虚构）")
                await following.told("list.taken_in", document=2, kind="delta")
                await publishing.told("list.acknowledged", follower="nangang", document=2)
            metrics = await stage.got(f"{url}metrics")
        code, said = await stage.tdgate("registry", "recipients", "--json", config=there)
        code_there, held = await stage.tdgate("registry", "followed", "--json", config=here)
    assert 'tdgate_list_lag_documents{issuer="donggang",recipient="nangang"} 0' in metrics.splitlines(), metrics
    assert (code, code_there) == (0, 0), (said, held)
    (row,) = json.loads(said)["rows"]
    assert (row["recipient"], row["documents"]) == ("nangang", 0), row
    public = load_public_key(key)
    heading = read_heading((state / "lists" / "head").read_bytes(), "donggang", {key_id_of(public): public})[0]
    (theirs,) = json.loads(held)["rows"]
    assert (theirs["number"], theirs["digest"]) == (2, heading.digest)
    await stage.done("registry", "restore", "10690031", "--reason", "虚构", "--by", "主管部门（虚构）")


@LISTS.shows(
    "J24",
    "`tdgate registry labels`: number, caller label and period, and nothing else; no number that is disposed of",
    "`tdgate registry labels`：仅含号码、主叫名称与合作期；不含已处置号码",
)
async def terminals_get_labels(stage: Stage) -> None:
    rows = (await stage.told("registry", "labels"))["rows"]
    assert {tuple(row) for row in rows} == {("number", "label", "since", "until")}
    labels = {row["number"]: row["label"] for row in rows}
    assert labels["10690001"] == "江澜银行（虚构）"
    assert "10690007" not in labels
