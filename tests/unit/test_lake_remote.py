"""Object stores, without one: URLs, media types, what answers mean, waits, where credentials come from."""

import pytest

from levada.errors import FixThis, TryLater
from levada.lake.disk import DiskStore
from levada.lake.fault import Fault, explained, fault_of
from levada.lake.location import Location, is_remote, location
from levada.lake.media import media_of
from levada.lake.memory import MemoryStore
from levada.lake.opening import open_store
from levada.lake.patience import Patience, waits
from levada.lake.profiles import lacking, profile_of
from levada.lake.reaching import settings
from levada.secret import redact

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA-one", "AWS_SECRET_ACCESS_KEY": "very-secret-key"}


def test_a_url_names_bucket_and_prefix():
    assert location("s3://bucket") == Location("s3", "bucket", "")
    assert location("gs://bucket/a/b c/") == Location("gs", "bucket", "a/b c")
    assert str(location("az://container/lake/")) == "az://container/lake"
    assert [is_remote(lake) for lake in ("s3://b", "/data", "memory:", "C:/x")] == [True, False, False, False]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://", "'' is no name of a bucket"),
        ("s3://Bucket", "'Bucket' is no name of a bucket"),
        ("s3://bucket/a//b", "is no prefix"),
        ("s3://bucket/../x", "is no prefix"),
        ("s3://bucket/a\\b", "is no prefix"),
        ("s3://bucket/" + "x" * 400, "is no prefix"),
        ("http://bucket", "is no URL of a lake"),
    ],
)
def test_a_url_that_names_no_place_is_refused(url, said):
    with pytest.raises(FixThis) as told:
        location(url)
    assert said in told.value.what
    assert told.value.todo


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://me:hidden-word@bucket/x", "a user or password in the URL of a lake is a secret in the open"),
        ("az://hidden-word@container", "a user or password in the URL of a lake is a secret in the open"),
        ("s3://bucket/x?X-Amz-Signature=hidden-word", "the URL of a lake takes no parameters"),
        ("s3://bucket?token=hidden-word", "the URL of a lake takes no parameters"),
    ],
)
def test_a_url_with_what_may_be_secret_is_refused_and_not_told(url, said):
    with pytest.raises(FixThis) as told:
        location(url)
    assert said == told.value.what
    assert "hidden-word" not in str(told.value)
    assert redact("x hidden-word x") == "x [secret] x"


def test_the_name_of_a_lake_says_its_store(tmp_path):
    assert isinstance(open_store(str(tmp_path), {}), DiskStore)
    assert isinstance(open_store("memory:", {}), MemoryStore)
    assert open_store("s3://bucket/lake/", KEYS).describe() == "s3://bucket/lake"
    assert open_store("gs://bucket", {}).describe() == "gs://bucket"
    azure = {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5LW9mLXRlc3Rz"}
    assert open_store("az://container/lake", azure).describe() == "az://container/lake"


def test_settings_that_cannot_be_are_told():
    with pytest.raises(FixThis, match="settings of the object store are wrong"):
        open_store("az://container/lake", {})
    for said in ("soon", "0", "7200"):
        with pytest.raises(FixThis, match="is no time for a lease"):
            open_store("s3://bucket", {**KEYS, "LEVADA_LEASE_SECONDS": said})


@pytest.mark.parametrize(
    ("name", "said", "media"),
    [
        ("raw/1.json", "", "application/json"),
        ("raw/1.json", "application/json; charset=utf-8", "application/json"),
        ("raw/1.json", "application/json;charset=UTF-8", "application/json"),
        ("raw/1.json", "application/json; charset=latin-1", "application/json; charset=latin-1"),
        ("a/b.CSV", "", "text/csv"),
        ("a/b.jsonl", "", "application/x-ndjson"),
        ("a/b.parquet", "", "application/vnd.apache.parquet"),
        ("pages/1.body", "", "application/octet-stream"),
        ("pages/1.body", "text/\r\nx: y", "application/octet-stream"),
    ],
)
def test_media_types_are_the_apis_or_follow_from_the_name(name, said, media):
    assert media_of(name, said) == media


def answer(status: str, code: str = "", message: str = "") -> str:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>" if code else ""
    return f"Error performing PUT http://host/b/k in 1ms - Server returned non-2xx status code: {status}: {body}"


def no_answer(url: str, why: str = "error sending request") -> str:
    return f"Generic S3 error: Error performing GET {url} in 443.718µs - HTTP error: {why}"


ELSEWHERE = "Received redirect without LOCATION, this normally indicates an incorrectly configured region"
#: Names of buckets and keys, and words of messages, that others stumbled over.
MISLEADING = ("metadata", "credential", "credentials", "169.254.1", "latest/api/token", "token", "REDACTED")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("AlreadyExistsError", answer("412 Precondition Failed", "PreconditionFailed"), "exists"),
        ("AlreadyExistsError", answer("409 Conflict", "ConditionalRequestConflict"), "busy"),
        ("PreconditionError", answer("412 Precondition Failed", "PreconditionFailed"), "changed"),
        ("FileNotFoundError", answer("404 Not Found", "NoSuchKey"), "missing"),
        ("FileNotFoundError", answer("404 Not Found", "NoSuchBucket"), "no_bucket"),
        ("GenericError", answer("404 Not Found", "NoSuchBucket"), "no_bucket"),
        ("PermissionDeniedError", answer("403 Forbidden", "AccessDenied"), "denied"),
        ("PermissionDeniedError", answer("403 Forbidden", "SignatureDoesNotMatch"), "credentials"),
        ("GenericError", answer("400 Bad Request", "ExpiredToken"), "credentials"),
        ("GenericError", answer("400 Bad Request", "AuthorizationHeaderMalformed"), "region"),
        ("GenericError", answer("301 Moved Permanently"), "region"),
        ("GenericError", answer("503 Service Unavailable", "SlowDown"), "busy"),
        ("GenericError", answer("500 Internal Server Error"), "busy"),
        ("GenericError", answer("501 Not Implemented", "NotImplemented"), "unable"),
        ("GenericError", answer("418 I'm a teapot"), "unable"),
        ("NotSupportedError", "not supported", "unable"),
        ("GenericError", no_answer("http://host/b/k"), "unreachable"),
        ("GenericError", no_answer("http://host/b/k", "request or response body error"), "busy"),
        ("GenericError", "Generic S3 error: HTTP error: request or response body error", "busy"),
        ("GenericError", no_answer("http://host/b/k").partition(" - ")[0] + f" - {ELSEWHERE}", "region"),
        ("GenericError", no_answer("http://169.254.169.254/latest/api/token"), "credentials"),
        ("GenericError", no_answer("http://aside:8/latest/api/token"), "credentials"),
        ("GenericError", answer("403 Forbidden").replace("host", "169.254.169.254"), "credentials"),
        ("GenericError", answer("404 Not Found").replace("host", "169.254.170.2"), "credentials"),
        ("GenericError", answer("503 Service Unavailable").replace("host", "169.254.170.2"), "busy"),
        ("GenericError", no_answer("REDACTED"), "credentials"),
        ("GenericError", no_answer("REDACTED").replace("S3", "MicrosoftAzure"), "unreachable"),
        ("GenericError", "Generic S3 error: Failed to read token file '/x': No such file", "credentials"),
        (
            "GenericError",
            f"Generic GCS error: Error performing token request: {no_answer('http://m/x')}",
            "credentials",
        ),
        ("UnauthenticatedError", "The operation lacked valid authentication credentials for path x: y", "credentials"),
        # What names and messages say decides nothing.
        *(("GenericError", no_answer(f"http://host/{name}/x"), "unreachable") for name in MISLEADING),
        *(("GenericError", no_answer(f"http://{name}.host/x"), "unreachable") for name in MISLEADING),
        *(("GenericError", answer("503 x").replace("/b/k", f"/{name}/x"), "busy") for name in MISLEADING),
        *(("PermissionDeniedError", answer("403 x", "AccessDenied", name), "denied") for name in MISLEADING),
        ("GenericError", answer("418 no", "", "").replace("/b/k", "/b/status%20code:%20503"), "unable"),
        ("FileNotFoundError", "Object at location <Code>ExpiredToken</Code> not found", "missing"),
    ],
)
def test_what_an_answer_means(name, text, kind):
    assert fault_of(name, f"{text}\n\nDebug source:\nRetryError(status: 999)", ("aside:8",)).kind == kind


@pytest.mark.parametrize(
    ("text", "open_yet"),
    [
        (no_answer("http://host/b/k"), True),
        (no_answer("http://host/b/k", "request or response body error"), True),
        (answer("500 Internal Server Error", "InternalError"), True),
        (answer("502 Bad Gateway"), True),
        (answer("504 Gateway Timeout"), True),
        (answer("503 Service Unavailable", "SlowDown"), False),
        (answer("429 Too Many Requests"), False),
        (answer("409 Conflict", "OperationAborted"), False),
        (answer("403 Forbidden", "AccessDenied"), False),
    ],
)
def test_an_answer_says_that_it_was_not_begun_where_no_answer_leaves_it_open(text, open_yet):
    assert fault_of("GenericError", text).in_doubt == open_yet


def test_a_line_says_whom_it_asked_and_nothing_else_of_a_url():
    said = fault_of("GenericError", no_answer("https://me:hidden-word@host:9/bucket/key?X-Amz-Signature=abcd"))
    assert str(said) == "HTTP error: error sending request, asking https://host:9"
    assert str(fault_of("GenericError", answer("503 Service Unavailable"))) == "HTTP 503"
    assert str(fault_of("GenericError", f"Generic S3 error: {'x y ' * 200}")) == ("x y " * 50)
    token = no_answer("http://169.254.169.254/latest/api/token")
    assert str(fault_of("GenericError", token)).endswith(", asking http://169.254.169.254")


def test_advice_on_credentials_is_of_the_kind_of_store():
    fault = Fault("credentials", "HTTP 403")
    assert "AWS_ACCESS_KEY_ID" in explained(fault, "s3://b/k", "to put it").todo
    assert explained(fault, "gs://b/k", "to put it").todo == (
        "set the variables that say who asks (docs/stores.md), or log in anew"
    )


def test_an_answer_is_told_in_one_line_and_with_advice():
    told = explained(fault_of("GenericError", answer("404", "NoSuchBucket", "No such\nbucket")), "s3://b", "to put it")
    assert isinstance(told, FixThis)
    assert "there is no such bucket" in told.what
    assert "levada doctor SPEC --create-bucket" in told.todo
    assert explained(Fault("denied", "AccessDenied"), "s3://b/k", "to put it").what == (
        "the object store does not allow to put it (AccessDenied)"
    )
    later = explained(Fault("busy", "SlowDown: reduce your rate"), "s3://b/k", "to put it")
    assert isinstance(later, TryLater)
    assert "SlowDown" in later.what
    assert "cannot be reached" in explained(Fault("unreachable", "refused"), "s3://b", "to list it").what


def test_what_passes_is_tried_again_and_each_wait_is_told():
    paused: list[float] = []
    told: list[str] = []
    patience = Patience(paused.append, lambda low, high: (low + high) / 2, told.append)
    tries = []
    for each in patience.tries("s3://b/k"):
        with each:
            tries.append(each.number)
            if len(tries) < 4:
                raise Fault("busy", "SlowDown")
    assert tries == [0, 1, 2, 3]
    assert paused == [0.15000000000000002, 0.375, 0.75]
    assert told[-1] == "s3://b/k: SlowDown; again in 0.8 s"


def test_what_does_not_pass_is_raised_at_once_and_patience_ends():
    paused: list[float] = []
    patience = Patience(paused.append, lambda _, high: high, lambda _: None)

    def fails(error: BaseException) -> None:
        for each in patience.tries("s3://b"):
            with each:
                raise error

    for kind, count in (("denied", 0), ("busy", 8), ("unreachable", 5)):
        paused.clear()
        with pytest.raises(Fault, match="always"):
            fails(Fault(kind, "always"))
        assert len(paused) == count == len(waits(Fault(kind, "")))
    with pytest.raises(KeyError):
        fails(KeyError())


def test_a_try_knows_whether_one_before_it_may_be_done_yet():
    patience = Patience(lambda _: None, lambda _, high: high, lambda _: None)
    faults = [Fault("busy", "HTTP 429", settled=True), Fault("busy", "HTTP 500"), Fault("busy", "x", settled=True)]
    tries = []
    for each in patience.tries("s3://b"):
        with each:
            tries.append(each.in_doubt)
            if faults:
                raise faults.pop(0)
    assert tries == [False, False, True, True]


def test_each_kind_of_fault_has_its_own_waits():
    paused: list[float] = []
    patience = Patience(paused.append, lambda _, high: high, lambda _: None)
    faults = ["busy", "unreachable", "busy", "busy", "busy", "busy", "unreachable", "busy"]
    tries = []
    for each in patience.tries("s3://b"):
        with each:
            tries.append(each.number)
            if faults:
                raise Fault(faults.pop(0), "SlowDown")
    assert tries == list(range(9))
    assert paused == [0.2, 0.1, 0.5, 1.0, 2.0, 4.0, 0.5, 8.0]


def profile_files(tmp_path, credentials: str = "", config: str = "") -> dict[str, str]:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(credentials)
    (tmp_path / ".aws/config").write_text(config)
    return {"HOME": str(tmp_path)}


def test_keys_come_from_variables_first(tmp_path):
    home = profile_files(tmp_path, "[default]\naws_access_key_id=AKIA-two\naws_secret_access_key=another-secret\n")
    assert profile_of({**home, **KEYS}) is None
    assert lacking({**home, **KEYS}) == ()
    assert lacking({"AWS_ACCESS_KEY_ID": "AKIA-one"}) == ("AWS_SECRET_ACCESS_KEY",)
    assert lacking({}) == ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    passing = {"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"}
    assert lacking(passing) == ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    assert lacking({**passing, "AWS_SECRET_ACCESS_KEY": "s"}) == ("AWS_SESSION_TOKEN",)
    assert lacking({**passing, "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}) == ()
    assert lacking({**KEYS, "AWS_ACCESS_KEY_ID": "Asia-store"}) == ()
    assert lacking({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}) == ()
    found = settings("s3", {**KEYS, "AWS_SESSION_TOKEN": "a-session", "AWS_REGION": "eu-west-1", "OTHER": "x"})
    assert found["secret_access_key"] == "very-secret-key"
    assert found["session_token"] == "a-session"
    assert found["region"] == "eu-west-1"
    assert redact("very-secret-key") == "[secret]"
    assert settings("s3", {"AWS_DEFAULT_REGION": "a", "AWS_REGION": "b"})["region"] == "b"
    assert settings("s3", {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b"})["endpoint"] == "http://b"


@pytest.mark.parametrize(
    ("variable", "scheme"),
    [
        ("AWS_ENDPOINT_URL", "s3"),
        ("AWS_ENDPOINT_URL_S3", "s3"),
        ("AWS_ENDPOINT_URL_STS", "s3"),
        ("AWS_METADATA_ENDPOINT", "s3"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "s3"),
        ("GOOGLE_BASE_URL", "gs"),
        ("AZURE_STORAGE_ENDPOINT", "az"),
    ],
)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://me:hidden-word@127.0.0.1:9", "a user or password in {} is a secret in the open"),
        ("https://hidden-word@host", "a user or password in {} is a secret in the open"),
        ("no URL of hidden-word", "{} is no URL of a server"),
        ("ftp://me:hidden-word@host", "{} is no URL of a server"),
        ("http://me:hidden-word@[::1", "{} is no URL of a server"),
        ("http://host:hidden-word", "{} is no URL of a server"),
        ("http://:80/hidden-word", "{} is no URL of a server"),
        ("http://host/hidden word", "{} is no URL of a server"),
        ("http://host/\nhidden-word", "{} is no URL of a server"),
    ],
)
def test_an_endpoint_is_a_url_without_a_user(variable, scheme, url, said):
    with pytest.raises(FixThis) as told:
        settings(scheme, {variable: url})
    assert (told.value.what, told.value.where) == (said.format(variable), variable)
    assert "hidden-word" not in str(told.value)
    assert "http://127.0.0.1:8333" in told.value.todo


def test_a_profile_gives_keys_and_region(tmp_path):
    home = profile_files(
        tmp_path,
        "[work]\naws_access_key_id = AKIA-two\naws_secret_access_key = another-secret\naws_session_token = t0ken\n",
        "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-north-1\n[profile sso]\nsso_session = us\n",
    )
    assert profile_of(home) is None, "a region alone is no credentials"
    work = profile_of({**home, "AWS_PROFILE": "work"})
    assert work is not None
    assert work.has_keys
    assert work.variables["AWS_REGION"] == "eu-north-1"
    assert work.variables["AWS_SESSION_TOKEN"] == "t0ken"
    assert "another-secret" not in repr(work)
    sso = profile_of({**home, "AWS_PROFILE": "sso"})
    assert sso is not None
    assert not sso.has_keys
    with pytest.raises(FixThis, match="there is no profile nobody"):
        profile_of({**home, "AWS_PROFILE": "nobody"})
    (tmp_path / ".aws/credentials").write_text("no section\n")
    with pytest.raises(FixThis, match="cannot be read"):
        profile_of(home)


def test_without_credentials_nothing_is_asked():
    store = open_store("s3://bucket/lake", {"AWS_EC2_METADATA_DISABLED": "true"})
    for door in (lambda: store.read("a"), lambda: list(store.list("")), lambda: store.create("a", b"")):
        with pytest.raises(FixThis) as told:
            door()
        assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not set" in told.value.what
        assert "AWS_PROFILE" in told.value.todo


def test_a_key_that_is_good_for_some_hours_needs_its_token():
    store = open_store("s3://bucket/lake", {**KEYS, "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"})
    with pytest.raises(FixThis, match="no credentials for the object store: AWS_SESSION_TOKEN not set"):
        store.read("a")


def test_names_that_an_object_store_would_change_are_refused():
    store = open_store("s3://bucket/lake", KEYS)
    for key in ("a\\b", "tab\tx", "line\nx"):
        with pytest.raises(FixThis, match="no name for a lake file on an object store"):
            store.create(key, b"")
