"""Detectors of late dumps, scored so that anybody can repeat it: `python -m tests.bench.judgement`.

`world` is the simulated truth, `detectors` and `core` are who judges it, `scoring` runs one against
the other, `goals` says what ours must reach and `tables` prints.
"""
