"""What the chart's hooks run in the operator's image: `python -m videojob_operator.hooks.…`."""
