"""The templates of prod, synthesised once for these tests."""

import pytest

from tests.infra.templates import Assemblies, Assembly


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return Assemblies(tmp_path_factory.mktemp("house")).of("prod")
