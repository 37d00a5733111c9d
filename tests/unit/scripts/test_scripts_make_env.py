import re
import stat
from pathlib import Path

import pytest
import yaml

import make_env

ROOT = Path(__file__).resolve().parents[3]


def settings(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_secret_is_filled_in_with_a_fresh_value_and_nothing_else_changes() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    one, other = settings(make_env.filled(example)), settings(make_env.filled(example))
    assert all(one.values())
    assert {name for name in one if one[name] != other[name]} == set(make_env.SECRETS)
    assert {name: value for name, value in settings(example).items() if value}.items() <= one.items()


def test_the_file_is_for_its_owner_only_and_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env.example").write_text("SITE_PORT=8080\nJWT_SECRET=\n", encoding="utf-8")
    assert make_env.main(tmp_path) == 0
    written = (tmp_path / ".env").read_text(encoding="utf-8")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert make_env.main(tmp_path) == 1
    assert (tmp_path / ".env").read_text(encoding="utf-8") == written
    assert settings(written)["JWT_SECRET"] not in capsys.readouterr().out


def test_everything_that_the_compose_file_asks_for_stands_in_the_example() -> None:
    compose = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([A-Z_]+)", compose))
    assert used == set(settings((ROOT / ".env.example").read_text(encoding="utf-8")))


def test_no_service_may_do_more_than_it_must() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        assert service["mem_limit"], name
        own_user = name if name in {"postgres", "redis"} else "50000:50000"
        assert service["user"] == own_user, name
        assert service["cap_drop"] == ["ALL"], name
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert published == {"api-server": ["${SITE_ADDRESS:-127.0.0.1}:${SITE_PORT:-8080}:8080"]}


def test_env_is_never_put_into_git() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
