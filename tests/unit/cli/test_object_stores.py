"""Buckets of a spec on one machine: where they are, and whether requests are signed, as the environment says."""

from typing import Any

import pytest

from tests.unit.contract.examples import videojob
from videojob_cli.object_stores import local_stores
from videojob_contract.resources.object_stores import ObjectStore, store_of
from videojob_contract.validation import parse_videojob

URIS = ("s3://films/a.jpg", "gs://films/a.jpg", "az://films/a.jpg")


def stores(environment: dict[str, str]) -> dict[str, ObjectStore]:
    spec = parse_videojob(videojob(*({"image": {"uri": uri}, "duration": "1s"} for uri in (*URIS, *URIS)))).spec
    found = local_stores(spec, environment)
    assert len({store.name for store in found}) == len(found) == len(URIS)
    return {store.provider.value: store for uri in URIS if (store := store_of(uri, found))}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {"s3": {}, "gs": {}, "az": {}}),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_REGION": "eu-1", "AWS_DEFAULT_REGION": "us-1"},
         {"s3": {"workloadIdentity": True, "region": "eu-1"}, "gs": {}, "az": {}}),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b"},
         {"s3": {"endpoint": "http://b"}, "gs": {}, "az": {}}),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "/a.json"}, {"s3": {}, "gs": {"workloadIdentity": True}, "az": {}}),
        ({"AZURE_STORAGE_ACCOUNT_NAME": "films", "AZURE_STORAGE_ACCOUNT_KEY": "a"},
         {"s3": {}, "gs": {}, "az": {"workloadIdentity": True, "account": "films"}}),
        ({"AZURE_STORAGE_ACCOUNT_NAME": "films"}, {"s3": {}, "gs": {}, "az": {"account": "films"}}),
    ],
)  # fmt: skip
def test_the_environment_says_where_buckets_are_and_with_none_requests_are_anonymous(
    environment: dict[str, str], expected: dict[str, dict[str, Any]]
) -> None:
    found = stores(environment)
    assert {
        scheme: {
            name: value
            for name, value in store.to_dict().items()
            if name not in {"name", "provider", "bucket"} and value is not False
        }
        for scheme, store in found.items()
    } == expected


def test_no_secret_of_the_environment_is_in_a_store() -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_SERVICE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_KEY")
    found = stores(dict.fromkeys(names, "hunter2"))
    assert "hunter2" not in "".join(store.model_dump_json() for store in found.values())
