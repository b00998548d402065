"""The CRDs and the reference page, generated from the models.

`structural` rewrites the schemas that pydantic emits into those that the API server accepts, `definitions`
wraps them into CustomResourceDefinitions, `reference` writes the page for people. `python -m
videojob_contract.crd` runs it.
"""
