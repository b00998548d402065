"""Paths of the API server."""

from videojob_contract.api_paths import JOBS, PODS, VIDEOJOBS


def test_paths():
    assert VIDEOJOBS.url("ns", "one", "status") == "/apis/videojob.dev/v1alpha1/namespaces/ns/videojobs/one/status"
    assert PODS.url(None) == "/api/v1/pods"
    assert (JOBS.group, JOBS.version) == ("batch", "v1")
    assert (PODS.group, PODS.version) == ("", "v1")


def test_no_name_leads_to_another_path():
    assert JOBS.url("ns", "../pods/x?y=z") == "/apis/batch/v1/namespaces/ns/jobs/..%2Fpods%2Fx%3Fy%3Dz"
