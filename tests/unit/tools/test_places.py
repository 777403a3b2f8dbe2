"""Sockets need short, plain paths; folders with known names in /tmp must be ours."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.account import Account
from tools.errors import ToolError
from tools.places import (
    LONGEST_SOCKET_NAME,
    SOCKET_PATH_LIMIT,
    data_folder,
    fits_socket,
    own_folder,
    refuse_foreign,
    run_folder,
)


@pytest.fixture
def me() -> Account:
    entry = pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


@pytest.fixture
def umask() -> Iterator[None]:
    old = os.umask(0o077)
    yield
    os.umask(old)


@pytest.mark.parametrize(
    "folder",
    [
        "/srv/with blank/run",
        "/srv/it's/run",
        '/srv/"/run',
        "/srv/a,b/run",
        "/srv/数据/run",
        "/srv/$x/run",
        "/srv/a=b/run",
    ],
)
def test_paths_that_settings_would_have_to_quote_do_not_fit(folder: str) -> None:
    assert not fits_socket(Path(folder))


def test_the_limit_counts_the_longest_socket() -> None:
    longest = "/" + "x" * (SOCKET_PATH_LIMIT - LONGEST_SOCKET_NAME - 1)
    assert fits_socket(Path(longest))
    assert not fits_socket(Path(longest + "x"))


def test_a_long_path_gets_a_short_folder_of_its_own(me: Account) -> None:
    one, two = (run_folder(Path("/tmp") / (letter * 200), me) for letter in "ab")
    assert one != two
    assert fits_socket(one)
    assert fits_socket(two)
    assert f"-{os.geteuid()}-" in one.name


def test_a_short_path_keeps_its_sockets(me: Account) -> None:
    assert run_folder(Path("/srv/x"), me) == Path("/srv/x/run")


def test_data_moved_elsewhere_are_found_again(tmp_path: Path, me: Account) -> None:
    (tmp_path / "pg").symlink_to("/var/tmp/elsewhere")
    assert data_folder(tmp_path, me) == Path("/var/tmp/elsewhere")


@pytest.mark.usefixtures("umask")
def test_a_folder_gets_its_mode_whatever_the_umask(tmp_path: Path, me: Account) -> None:
    folder = own_folder(tmp_path / "new", 0o755, me.uid, me.gid)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, me: Account) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ToolError, match="writable by others"):
        own_folder(folder, 0o700, me.uid, me.gid)


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path, me: Account) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="not a folder"):
        own_folder(tmp_path / "link", 0o700, me.uid, me.gid)


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="belongs to user"):
        refuse_foreign(tmp_path, {os.geteuid() + 1})
