"""The guard: foreign names are turned away, every answer carries the headers."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.unit.ui.client import TestClient
from tl_ui.server.guard import Guard, allowed_hosts, content_policy, hostname_of


async def hello(_request):
    return PlainTextResponse("hello")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture
def client() -> TestClient:
    app = Starlette(
        routes=[
            Route("/", hello),
            Route("/_stcore/metrics", hello),
            Route("/_stcore/health", hello),
            WebSocketRoute("/_stcore/stream", talk),
        ],
        middleware=[Middleware(Guard, hosts=allowed_hosts())],
    )
    return TestClient(app, base_url="http://localhost:8501")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501", "[::1]", "LOCALHOST."]
)
def test_loopback_names_are_served(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "localhost:80:90",
        "localhost:port",
        "127.0.0.1.evil.example:8501",
        "[::1]evil",
        "",
        "localhost/evil",
        "169.254.169.254",
    ],
)
def test_a_rebound_name_is_turned_away(client, host):
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "THAW_ALLOWED_HOSTS" in answer.text


def test_a_websocket_under_a_foreign_name_is_closed_before_it_opens(client):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/_stcore/stream", headers={"Host": "evil.example"}),
    ):
        pass
    with client.websocket_connect("/_stcore/stream", headers={"Host": "localhost"}) as socket:
        assert socket.receive_text() == "hello"


def test_more_names_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("THAW_ALLOWED_HOSTS", "Lab.Example, [fd00::1]")
    assert {"lab.example", "fd00::1", "localhost"} <= set(allowed_hosts())


def test_every_answer_carries_the_headers(client):
    for path in ("/", "/missing", "/_stcore/metrics"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "camera=(self)" in headers["permissions-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_metrics_are_not_for_everybody(client):
    assert client.get("/_stcore/metrics").status_code == 404
    assert client.get("/_stcore/health").status_code == 200


def test_the_policy_names_only_this_host_and_allows_no_eval():
    policy = content_policy("localhost:8501")
    assert "connect-src 'self' ws://localhost:8501 wss://localhost:8501 data: blob:" in policy
    assert "unsafe-eval" not in policy
    assert "http:" not in policy and "*" not in policy


def test_a_host_name_is_read_without_its_port():
    assert hostname_of("[::1]:8501") == "::1"
    assert hostname_of("Lab.Example:443") == "lab.example"
    assert hostname_of("[::1") == ""
