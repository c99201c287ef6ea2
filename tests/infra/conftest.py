"""Each stage is synthesised once for the whole session; the dependency layer is an empty folder."""

import pytest

from tests.infra.templates import Assemblies, Assembly


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Assemblies:
    return Assemblies(tmp_path_factory.mktemp("assemblies"))


@pytest.fixture(scope="session")
def prod(assemblies: Assemblies) -> Assembly:
    return assemblies.of("prod")


@pytest.fixture(scope="session")
def local(assemblies: Assemblies) -> Assembly:
    return assemblies.of("local")


@pytest.fixture(scope="session")
def customised(assemblies: Assemblies) -> Assembly:
    """Everything that the four stages leave as it is: own issuer, domain, e-mail, SnapStart."""
    return assemblies.customised()
