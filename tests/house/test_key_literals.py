"""No key is written anywhere in the repository."""

import gzip
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.tree import files, files_of

# A prefix alone is a word of the documentation; what follows it makes a key.
KEYS = re.compile(
    rb"""
    [sr]k_live_[0-9A-Za-z]{6,}            # Stripe's live keys, secret and restricted
    | [sr]k_test_[0-9A-Za-z]{16,}         # its test keys; shorter ones are examples
    | whsec_[0-9A-Za-z+/=]{16,}           # signing secrets of webhook endpoints
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b       # AWS access keys
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    | \bgh[pousr]_[0-9A-Za-z]{30,}        # GitHub tokens
    | \beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}  # signed JWTs
    """,
    re.VERBOSE,
)


def found_in(paths: Iterable[Path]) -> list[str]:
    """Each file and line that holds a key; compressed files are looked into."""
    found = []
    for path in paths:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        for match in KEYS.finditer(content):
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(f"{path}:{line}")
    return found


def test_no_file_holds_a_key() -> None:
    assert len(files()) > 50
    assert found_in(files()) == []


PLANTED = {
    "live secret key": "sk_" + "live_51Habcdefgh",
    "live restricted key": "rk_" + "live_51Habcdefgh",
    "test secret key": "sk_" + "test_" + "4eC39HqLyjWDarjt",
    "test restricted key": "rk_" + "test_" + "4eC39HqLyjWDarjt",
    "signing secret": "whsec" + "_" + "0123456789abcdef0123456789abcdef",
    "AWS access key": "AK" + "IA" + "ABCDEFGHIJKLMNOP",
    "temporary AWS access key": "AS" + "IA" + "ABCDEFGHIJKLMNOP",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "GitHub token": "gh" + "p_" + "a" * 36,
    "JWT": ".".join(["eyJ" + "hbGciOiJSUzI1NiJ9", "eyJ" + "zdWIiOiJzaG9wIn0", "c2lnbmF0dXJl" * 3]),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A new git repository with a .gitignore."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)  # noqa: S603, S607 - a constant command, git of the PATH
    (tmp_path / ".gitignore").write_text("ignored/\n")
    return tmp_path


@pytest.mark.parametrize("key", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_key_is_found_before_it_is_even_added(key: str, repository: Path) -> None:
    (repository / "settings.py").write_text(f"# a comment\nKEY = '{key}'\n")
    assert found_in(files_of(repository)) == [f"{repository / 'settings.py'}:2"]


def test_a_key_is_found_in_a_tracked_and_in_a_compressed_file(repository: Path) -> None:
    key = PLANTED["live secret key"].encode()
    (repository / "a.json").write_bytes(key)
    (repository / "b.json.gz").write_bytes(gzip.compress(key))
    subprocess.run(["git", "add", "a.json"], cwd=repository, check=True)  # noqa: S607 - git of the PATH
    assert len(found_in(files_of(repository))) == 2


def test_what_git_ignores_is_nobody_s_business(repository: Path) -> None:
    (repository / "ignored").mkdir()
    (repository / "ignored" / "endpoints.json").write_text(PLANTED["live secret key"])
    assert found_in(files_of(repository)) == []


@pytest.mark.parametrize("text", ["sk_live_", "sk_test_12345", "whsec_…", "rk_live_ or rk_test_"])
def test_a_prefix_is_no_key(text: str, repository: Path) -> None:
    (repository / "page.md").write_text(text)
    assert found_in(files_of(repository)) == []
