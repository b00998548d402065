"""Paths of the API server."""

import pytest
from yarl import URL

from videojob_contract.api_paths import VIDEOJOBS


@pytest.mark.parametrize("name", [".", "..", "../pods", "a/b", "?watch=true", "#", "%2e", "%2e%2e", "é", "a\0"])
def test_a_name_leads_to_no_other_path(name):
    url = URL("https://kubernetes" + VIDEOJOBS.url("films", name))
    assert url.raw_path.rpartition("/")[0] == VIDEOJOBS.url("films")
    assert url.raw_path.rpartition("/")[2]
    assert not url.query_string
    assert not url.fragment
