import os

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
