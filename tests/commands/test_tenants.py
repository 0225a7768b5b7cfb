"""`watchword tenant`, but for configure."""

from functools import partial

import pytest

from engine.assembly import Engine
from engine.ids import TenantId
from engine.tenants import State, Tenant
from engine.tokens import digest
from tests.commands.callbacks import URL, bury_challenges, set_up
from tests.commands.operators import UNKNOWN, Operator, is_good

NOTHING_LEFT = (
    "Deleted, with 0 agent(s), 0 factor(s), 0 challenge(s) and 0 callback(s) that could not be delivered."
)

# Creating tenants


def test_create_answers_an_id_and_an_api_key_that_works(operator: Operator) -> None:
    made = operator.gets("tenant", "create", "--name", " Acme  Ltd ", "--active")
    assert list(made) == ["tenant_id", "name", "state", "api_key"]
    assert (made["name"], made["state"]) == ("Acme  Ltd", "active")
    tenant = operator.asks_engine(lambda engine: engine.api_keys.authenticate(made["api_key"])).tenant
    assert tenant.id == made["tenant_id"]


def test_a_tenant_is_inactive_unless_it_is_asked_for_and_the_way_out_is_named(operator: Operator) -> None:
    said = operator.reads("tenant", "create", "--name", "Acme")
    (line,) = operator.gets("tenant", "list")
    assert line["state"] == "inactive"
    assert f"`watchword tenant activate {line['tenant_id']}`" in said
    assert "not shown again" in said


def test_a_name_is_given_once_whatever_its_letters_case(operator: Operator, tenant: TenantId) -> None:
    assert "Another tenant has this name" in operator.is_refused("tenant", "create", "--name", "ACME")
    assert [line["tenant_id"] for line in operator.gets("tenant", "list")] == [tenant]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x1b[2Jb", "a\x9bb", "\udcff"])
def test_a_name_that_cannot_be_printed_in_a_line_is_refused(operator: Operator, name: str) -> None:
    operator.is_refused("tenant", "create", "--name", name, exit_code=2)
    assert operator.gets("tenant", "list") == []


# Looking at tenants


def test_list_shows_all_tenants_oldest_first(operator: Operator) -> None:
    assert "watchword tenant create" in operator.reads("tenant", "list")
    ids = [operator.creates(name) for name in ("First", "Second", "Third")]
    for seconds, tenant_id in enumerate(ids):
        operator.asks_engine(lambda engine, tenant_id=tenant_id, seconds=seconds: age(engine, tenant_id, seconds))
    lines = operator.gets("tenant", "list")
    assert [line["tenant_id"] for line in lines] == ids
    assert lines[0] == {
        "tenant_id": ids[0],
        "name": "First",
        "state": "active",
        "created_at": "1970-01-01T00:00:00Z",
    }
    header, *rows = operator.reads("tenant", "list").splitlines()
    assert header.split() == ["TENANT", "ID", "NAME", "STATE", "CREATED"]
    assert rows[1].split() == [ids[1], "Second", "active", "1970-01-01T00:00:01Z"]


async def age(engine: Engine, tenant_id: TenantId, created_at: int) -> Tenant:
    return await engine.tenants.change(
        tenant_id, lambda tenant: Tenant(tenant.id, tenant.name, created_at, state=tenant.state)
    )


def test_a_name_given_over_the_api_steers_no_terminal(operator: Operator) -> None:
    operator.asks_engine(lambda engine: engine.tenants.create(name="Ac\x9b2Jme\u202e"))
    assert "Ac\ufffd2Jme\ufffd" in operator.reads("tenant", "list")
    (line,) = operator.gets("tenant", "list")
    assert line["name"] == "Ac\x9b2Jme\u202e"


def test_show_tells_everything_and_what_is_in_force_by_default(operator: Operator) -> None:
    made = operator.gets("tenant", "create", "--name", "Acme")
    shown = operator.gets("tenant", "show", made["tenant_id"])
    created_at = shown.pop("created_at")
    assert shown == {
        "tenant_id": made["tenant_id"],
        "name": "Acme",
        "state": "inactive",
        "owner": None,
        "pass_key_expires": 60,
        "pass_key_max_fetches": 1,
        "pass_phrase": "system",
        "allowed_characters": "numeric",
        "length": 6,
        "configured_by": None,
        "configured_at": None,
        "default_country_code": None,
        "allowed_origins": ["*"],
        "submit_limit": None,
        "fetch_limit": None,
        "challenge_life": 300,
        "lock_after": 10,
        "totp": {"digest": "SHA1", "digits": 6, "step": 30, "window": 1},
        "issuer": None,
        "callback_url": None,
        "callback_is_off": False,
        "limits_in_force": {
            "submit_per_address": "60/60",
            "submit_per_key": "10/60",
            "fetch_per_api_key": "1000/1",
        },
        "api_keys": [
            {
                "key_id": digest(made["api_key"])[:12],
                "name": "first",
                "created_at": created_at,
                "scopes": ["fetch"],
                "networks": [],
            }
        ],
    }


def test_show_never_tells_an_api_key_or_its_digest(operator: Operator) -> None:
    made = operator.gets("tenant", "create", "--name", "Acme")
    for words in (("tenant", "show"), ("key", "list")):
        for told in (
            operator.reads(*words, made["tenant_id"]),
            operator.reads(*words, made["tenant_id"], "--json"),
        ):
            assert made["api_key"] not in told
            assert digest(made["api_key"])[:13] not in told


def test_show_tells_the_limits_of_this_deployment(operator: Operator, tenant: TenantId) -> None:
    limits = {"WATCHWORD_SUBMIT_LIMIT_PER_KEY": "0", "WATCHWORD_FETCH_LIMIT_PER_API_KEY": "5/2"}
    elsewhere = Operator(operator.data_dir, **limits)
    said = elsewhere.reads("tenant", "show", tenant)
    assert "submits per pass key  no limit (the deployment's)" in said
    assert "fetches per API key   5 in 2 s (the deployment's)" in said


# Activating, suspending, deleting


def test_a_tenant_is_activated_and_suspended(operator: Operator) -> None:
    tenant_id = operator.gets("tenant", "create", "--name", "Acme")["tenant_id"]
    assert operator.gets("tenant", "activate", tenant_id)["state"] == "active"
    assert operator.reads("tenant", "suspend", tenant_id) == "Acme is suspended.\n"
    assert operator.asks_engine(lambda engine: engine.tenants.read(tenant_id)).state is State.SUSPENDED


def test_delete_asks_and_no_is_no(operator: Operator, tenant: TenantId) -> None:
    result = operator.types("tenant", "delete", tenant, "--json", then="n\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Delete Acme, with its configuration and 1 API key(s)?" in result.stderr
    assert len(operator.gets("tenant", "list")) == 1


def test_delete_ends_a_tenant_and_frees_its_name(operator: Operator) -> None:
    made = operator.gets("tenant", "create", "--name", "Acme", "--active")
    result = operator.types("tenant", "delete", made["tenant_id"], then="y\n")
    assert (result.exit_code, result.stdout) == (0, f"{NOTHING_LEFT}\n")
    assert operator.gets("tenant", "list") == []
    assert not operator.asks_engine(lambda engine: is_good(engine, made["api_key"]))
    again = operator.creates("Acme")
    deleted = operator.gets("tenant", "delete", again, "--yes")
    counts = {"factors": 0, "challenges": 0, "dead_letters": 0, "agents": 0}
    assert deleted == {"tenant_id": again, "deleted": True} | counts


def test_delete_says_what_was_removed_with_a_tenant_and_leaves_others_alone(operator: Operator) -> None:
    ours, theirs = operator.creates("Ours"), operator.creates("Theirs")
    for tenant_id, user, number in ((ours, "alice", 2), (ours, "bob", 1), (theirs, "alice", 1)):
        operator.asks_engine(partial(bury_challenges, tenant_id=tenant_id, number=number, user=user))
    for tenant_id, email in ((ours, "ann"), (ours, "bob"), (theirs, "ann")):
        operator.gets("agent", "create", "--tenant", tenant_id, f"{email}@example.com")
    deleted = operator.gets("tenant", "delete", ours, "--yes")
    counts = {"factors": 2, "challenges": 3, "dead_letters": 3, "agents": 2}
    assert deleted == {"tenant_id": ours, "deleted": True} | counts
    said = operator.reads("tenant", "delete", theirs, "--yes")
    assert said == NOTHING_LEFT.replace("0", "1") + "\n"
    assert "No tenant has this id" in operator.is_refused("tenant", "delete", ours, "--yes")


def test_show_tells_of_challenges_and_callbacks(operator: Operator, tenant: TenantId) -> None:
    operator.asks_engine(partial(set_up, tenant_id=tenant))
    shown = operator.gets("tenant", "show", tenant)
    assert (shown["callback_url"], shown["callback_is_off"], shown["issuer"]) == (URL, False, None)
    assert f"callbacks to          {URL}\n" in operator.reads("tenant", "show", tenant)
    operator.asks_engine(lambda engine: engine.configurations.stop_callbacks(tenant, URL))
    assert operator.gets("tenant", "show", tenant)["callback_is_off"] is True
    said = operator.reads("tenant", "show", tenant)
    assert f"callbacks to          {URL} (off: the receiver answered 410)\n" in said
    assert "TOTP codes            SHA1, 6 digits, 30 s, 1 step(s) either way\n" in said


@pytest.mark.parametrize(
    "words",
    [
        ("tenant", "configure", "{}", "--length", "8"),
        ("tenant", "show", "{}"),
        ("tenant", "activate", "{}"),
        ("tenant", "suspend", "{}"),
        ("tenant", "delete", "{}"),
        ("tenant", "delete", "{}", "--yes"),
        ("key", "issue", "{}", "--name", "dialer"),
        ("key", "list", "{}"),
        ("key", "revoke", "{}", "0123456789ab"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("tenant")
def test_an_unknown_tenant_is_a_sentence(operator: Operator, words: tuple[str, ...]) -> None:
    for tenant_id in (UNKNOWN, UNKNOWN.upper() + "x", "Acme", "", "\udcff"):
        assert "No tenant has this id" in operator.is_refused(*(word.format(tenant_id) for word in words))
    assert "No tenant has this id" in operator.is_refused(*(word.format(UNKNOWN) for word in words), "--json")
