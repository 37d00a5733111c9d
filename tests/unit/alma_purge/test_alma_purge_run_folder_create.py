import os
from pathlib import Path

import pytest

from alma_purge.run_folder import RunFolder


def test_a_create_that_is_cut_off_leaves_nothing(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the opening of the file and its content, a claim must not stay behind empty."""

    def cut_off(_handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut_off)
        with pytest.raises(KeyboardInterrupt):
            folder.create("claim.txt", b"mine")
    assert folder.read_if_there("claim.txt") is None

    assert folder.create("claim.txt", b"yours")
    assert not folder.create("claim.txt", b"theirs")
    assert folder.read("claim.txt") == b"yours"


@pytest.mark.parametrize("how", ["write", "create"])
def test_every_folder_that_is_made_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("ALMA_PURGE_STORE", f"file://{tmp_path}/new/store")
    previous = os.umask(0o022)
    try:
        getattr(RunFolder.of_run("north", "run"), how)("run.json", b"{}")
    finally:
        os.umask(previous)
    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert [oct(one.stat().st_mode & 0o777) for one in made] == ["0o700"] * 4 + ["0o600"]
