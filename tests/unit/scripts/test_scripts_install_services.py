from pathlib import Path

import pytest

import install_services


def test_a_machine_without_apt_leaves_the_test_out() -> None:
    said = install_services.why_left_out(["postgresql"], find=lambda _name: None, user=lambda: 0)
    assert said == "postgresql missing, and there is no apt-get to install them with"


def test_somebody_who_is_not_root_leaves_the_test_out() -> None:
    found = install_services.why_left_out(
        ["postgresql", "redis-server"], find=lambda _name: "/usr/bin/apt-get", user=lambda: 1000
    )
    assert found == "postgresql and redis-server missing, and only root may install them"


def test_root_on_debian_installs() -> None:
    assert not install_services.why_left_out(["redis-server"], find=lambda name: name, user=lambda: 0)


def test_the_newest_postgres_is_found_beside_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_services.find_postgres(tmp_path) is None
    for version in ("9.6", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()
    assert install_services.find_postgres(tmp_path) == tmp_path / "17" / "bin"


def test_the_skip_is_one_line_and_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install_services, "missing", lambda: ["redis-server"])
    monkeypatch.setattr(install_services, "why_left_out", lambda _packages: "no apt")
    assert install_services.main() == install_services.LEFT_OUT
    assert capsys.readouterr().out == "SKIPPED: the distributed test was left out: no apt.\n"
