"""Small servers that page, sign and fail as ten well-known APIs do; what those refuse, these refuse."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from webserver import Asked, Said, WebServer

__all__ = ["DAY", "LOOKALIKES", "SECRETS", "lookalike"]

DAY = "2022-08-09"
#: What the variables of the recipes hold.
SECRETS = {
    name: f"key-of-{name}"
    for name in (
        *("GITHUB_TOKEN", "GITLAB_TOKEN", "STRIPE_KEY", "SLACK_TOKEN", "SHOPIFY_TOKEN", "SALESFORCE_ID"),
        *("SALESFORCE_SECRET", "HUBSPOT_TOKEN", "ELASTIC_USER", "ELASTIC_PASSWORD", "CLIENT_ID", "CLIENT_SECRET"),
    )
}
_BEGIN, _END = (int(datetime(2022, 8, day, tzinfo=UTC).timestamp()) for day in (9, 10))
_REFUSED = Said({"message": "Requires authentication"}, 401)


def _rows(count: int, *, prefix: str = "") -> list[dict[str, Any]]:
    return [{"id": f"{prefix}{number}" if prefix else number, "name": f"n{number}"} for number in range(1, count + 1)]


def _bearer(asked: Asked, name: str) -> bool:
    return asked.headers.get("authorization") == f"Bearer {SECRETS[name]}"


def _url(asked: Asked, target: str) -> str:
    return f"http://{asked.headers['host']}{target}"


def github() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = _rows(250)

    def answer(asked: Asked) -> Any:
        if not _bearer(asked, "GITHUB_TOKEN"):
            return _REFUSED
        size, page = min(asked.number("per_page", 30), 100), asked.number("page", 1)
        last = -(-len(truth) // size)
        own = "&".join(f"{name}={value}" for name, value in asked.query if name != "page")
        to = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        links = [
            f'<{_url(asked, asked.path)}?{own}&page={number}>; rel="{rel}"'
            for rel, number in to.items()
            if (rel in {"next", "last"} and page < last) or (rel in {"prev", "first"} and page > 1)
        ]
        left = (
            ("X-RateLimit-Limit", "5000"),
            ("X-RateLimit-Remaining", str(5000 - page)),
            ("X-RateLimit-Reset", "9e9"),
        )
        return Said(truth[(page - 1) * size : page * size], headers=(("Link", ", ".join(links)), *left))

    return answer, truth


def gitlab() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = _rows(230)

    def answer(asked: Asked) -> Any:
        if asked.headers.get("private-token") != SECRETS["GITLAB_TOKEN"]:
            return _REFUSED
        size, page = asked.number("per_page", 20), asked.number("page", 1)
        last = -(-len(truth) // size)
        told = {
            "X-Page": page,
            "X-Next-Page": page + 1 if page < last else "",
            "X-Total": len(truth),
            "X-Total-Pages": last,
        }
        headers = tuple((name, str(value)) for name, value in told.items())
        return Said(truth[(page - 1) * size : page * size], headers=headers)

    return answer, truth


def stripe() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = _rows(205, prefix="ch_")

    def answer(asked: Asked) -> Any:
        if not _bearer(asked, "STRIPE_KEY"):
            return Said({"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}, 401)
        after = asked.value("starting_after")
        if after is not None and after not in {row["id"] for row in truth}:
            return Said({"error": {"message": f"No such charge: '{after}'", "param": "starting_after"}}, 400)
        span = asked.value("created[gte]"), asked.value("created[lt]")
        if span not in {(None, None), (str(_BEGIN), str(_END))}:
            return {"object": "list", "url": "/v1/charges", "has_more": False, "data": []}
        size = asked.number("limit", 10)
        first = next((number for number, row in enumerate(truth, 1) if row["id"] == after), 0)
        more = first + size < len(truth)
        return {"object": "list", "url": "/v1/charges", "has_more": more, "data": truth[first : first + size]}

    return answer, truth


def slack() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = _rows(450, prefix="U")

    def answer(asked: Asked) -> Any:
        if not _bearer(asked, "SLACK_TOKEN"):
            return {"ok": False, "error": "invalid_auth"}
        cursor, size = asked.value("cursor") or "dXNlcjow", asked.number("limit", 100)
        if not cursor.startswith("dXNlcjow"):
            return {"ok": False, "error": "invalid_cursor"}
        first = int(cursor.removeprefix("dXNlcjow") or 0)
        following = f"dXNlcjow{first + size}" if first + size < len(truth) else ""
        told = {"next_cursor": following}
        return {"ok": True, "members": truth[first : first + size], "cache_ts": 1498777272, "response_metadata": told}

    return answer, truth


def shopify() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = _rows(230, prefix="gid://shopify/Product/")

    def answer(asked: Asked) -> Any:
        if asked.headers.get("x-shopify-access-token") != SECRETS["SHOPIFY_TOKEN"]:
            return Said({"errors": "[API] Invalid API key or access token"}, 401)
        if asked.method != "POST" or "pageInfo" not in asked.json.get("query", ""):
            return {"errors": [{"message": "syntax error, unexpected end of file"}]}
        after = asked.json.get("variables", {}).get("after")
        first = 0 if after is None else int(after.removeprefix("cursor"))
        nodes = truth[first : first + 100]
        told = {"hasNextPage": first + 100 < len(truth), "endCursor": f"cursor{first + len(nodes)}"}
        return {"data": {"products": {"nodes": nodes, "pageInfo": told}}, "extensions": {"cost": {}}}

    return answer, truth


def salesforce() -> tuple[Callable[[Asked], Any], list[Any]]:
    kind = {"type": "Account", "url": "/services/data/v59.0/sobjects/Account/1"}
    truth = [{"attributes": kind, "Id": f"001{row['id']}", "Name": row["name"]} for row in _rows(450)]
    where = f"LastModifiedDate >= {DAY}T00:00:00Z AND LastModifiedDate < 2022-08-10T00:00:00Z"

    def answer(asked: Asked) -> Any:
        if asked.path == "/services/oauth2/token":
            wanted = ("client_credentials", SECRETS["SALESFORCE_ID"], SECRETS["SALESFORCE_SECRET"])
            if tuple(asked.form.get(name) for name in ("grant_type", "client_id", "client_secret")) != wanted:
                return Said({"error": "invalid_client", "error_description": "invalid client credentials"}, 401)
            return {"access_token": "00D!token", "instance_url": _url(asked, ""), "token_type": "Bearer"}
        if asked.headers.get("authorization") != "Bearer 00D!token":
            return Said([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)
        first = int(asked.path.partition("01gD-")[2] or 0)
        if not first and "WHERE" in (asked.value("q") or "") and where not in (asked.value("q") or ""):
            return Said([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
        told = {"totalSize": len(truth), "done": first + 200 >= len(truth)}
        if not told["done"]:
            told["nextRecordsUrl"] = f"/services/data/v59.0/query/01gD-{first + 200}"
        return told | {"records": truth[first : first + 200]}

    return answer, truth


def hubspot() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = [{"id": f"{row['id']}", "properties": {"email": f"{row['name']}@example.com"}} for row in _rows(230)]
    wanted = [str(_BEGIN * 1000), str(_END * 1000)]

    def answer(asked: Asked) -> Any:
        if not _bearer(asked, "HUBSPOT_TOKEN"):
            return Said({"status": "error", "message": "Authentication credentials not found", "category": "AUTH"}, 401)
        if asked.method == "POST":
            (group,) = asked.json["filterGroups"]
            if [one["value"] for one in group["filters"]] != wanted:
                return {"total": 0, "results": []}
            first, size = int(asked.json.get("after", 0)), asked.json.get("limit", 10)
        else:
            first, size = asked.number("after", 0), asked.number("limit", 10)
        told: dict[str, Any] = {"total": len(truth)} if asked.method == "POST" else {}
        told["results"] = truth[first : first + size]
        if first + size < len(truth):
            told["paging"] = {
                "next": {"after": str(first + size), "link": _url(asked, f"{asked.path}?after={first + size}")}
            }
        return told

    return answer, truth


def elasticsearch() -> tuple[Callable[[Asked], Any], list[Any]]:
    moments = [f"{DAY}T{hour:02}:{minute:02}:00Z" for hour in range(24) for minute in range(0, 60, 6)]
    truth = [{"id": number, "at": moment} for number, moment in enumerate(moments, 1)]
    user = b64encode(f"{SECRETS['ELASTIC_USER']}:{SECRETS['ELASTIC_PASSWORD']}".encode()).decode()

    def answer(asked: Asked) -> Any:
        if asked.headers.get("authorization") != f"Basic {user}":
            return Said(
                {"error": {"type": "security_exception", "reason": "missing authentication"}, "status": 401}, 401
            )
        body = asked.json
        span = body.get("query", {}).get("range", {}).get("at", {"gte": "", "lt": "~"})
        found = [row for row in truth if span["gte"] <= row["at"] < span["lt"]]
        first, size = body.get("from", 0), body.get("size", 10)
        if not isinstance(first, int) or not isinstance(size, int) or first + size > 10_000:
            return Said({"error": {"reason": "Result window is too large, from + size"}, "status": 400}, 400)
        hits = [{"_index": "logs", "_id": str(row["id"]), "_source": row} for row in found[first : first + size]]
        total = {"value": len(found), "relation": "eq"}
        return {"took": 3, "timed_out": False, "hits": {"total": total, "max_score": None, "hits": hits}}

    return answer, truth


def odata() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = _rows(230)

    def answer(asked: Asked) -> Any:
        if asked.path == "/tenant/oauth2/v2.0/token":
            wanted = ("client_credentials", SECRETS["CLIENT_ID"], SECRETS["CLIENT_SECRET"])
            good = tuple(asked.form.get(name) for name in ("grant_type", "client_id", "client_secret")) == wanted
            good = good and asked.form.get("scope", "").endswith("/.default")
            told = {"access_token": "eyJ0", "expires_in": 3599, "token_type": "Bearer"}
            return told if good else Said({"error": "invalid_client"}, 401)
        if asked.headers.get("authorization") != "Bearer eyJ0":
            return Said({"error": {"code": "InvalidAuthenticationToken", "message": "Access token is empty."}}, 401)
        size, first = asked.number("$top", 100), int((asked.value("$skiptoken") or "s0")[1:])
        following = f"{asked.path}?$top={size}&$count=true&$skiptoken=s{first + size}"
        told: dict[str, Any] = {"@odata.context": _url(asked, "/v1.0/$metadata#users")}
        if asked.value("$count") == "true" and not first:
            told["@odata.count"] = len(truth)
        if first + size < len(truth):
            told["@odata.nextLink"] = _url(asked, following)
        return told | {"value": truth[first : first + size]}

    return answer, truth


def wordpress() -> tuple[Callable[[Asked], Any], list[Any]]:
    truth = [{"id": row["id"], "title": {"rendered": row["name"]}} for row in _rows(230)]

    def answer(asked: Asked) -> Any:
        size, page = asked.number("per_page", 10), asked.number("page", 1)
        last = -(-len(truth) // size)
        if page > last:
            wrong = {"code": "rest_post_invalid_page_number", "data": {"status": 400}}
            return Said(wrong | {"message": "The page number requested is larger than the number of pages."}, 400)
        headers = (("X-WP-Total", str(len(truth))), ("X-WP-TotalPages", str(last)))
        return Said(truth[(page - 1) * size : page * size], headers=headers)

    return answer, truth


LOOKALIKES = {
    "GitHub": github, "GitLab": gitlab, "Stripe": stripe, "Slack": slack, "Shopify": shopify, "Salesforce": salesforce,
    "HubSpot": hubspot, "Elasticsearch": elasticsearch, "OData": odata, "WordPress": wordpress,
}  # fmt: skip


def lookalike(name: str) -> WebServer:
    """The server that behaves like the API of that name; its `truth` is every record."""
    answer, truth = LOOKALIKES[name]()
    return WebServer(answer, truth)
