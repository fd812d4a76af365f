from collections.abc import Iterator

import pytest

from tests.llm.endpoint import Endpoint


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as started:
        yield started
