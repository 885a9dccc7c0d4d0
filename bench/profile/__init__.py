"""Where the time goes: analyzer, producer and notifier at their real work on a real broker, sampled by py-spy.

The set-ups are those of the benches beside this folder. What runs is `python -m bench.profile --out FILE -- WORDS`
instead of `python -m WORDS`: py-spy starts the service and looks at its stacks 200 times a second, and what was seen
is a file that https://www.speedscope.app shows (in the browser, nothing is uploaded).

A sample belongs to the *part* of the innermost function that the service's table (`parts.py`) names: time in numpy,
fastavro or asyncio is their caller's. Only threads that run are counted, so shares are shares of CPU time.
"""
