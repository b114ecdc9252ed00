"""The page at /: models, versions, signatures, live latency, and a form that tries a model.

In: the tables of models and the numbers of metrics. Out: `files/`, which the browser gets as they are, and their state as JSON. `routes.py` answers, `state.py` says
what there is. In `files/`, `page.js` draws, `live.js` makes rates and quantiles of histograms, `inputs.js` makes values of what is typed or dropped.
"""
