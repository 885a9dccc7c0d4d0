"""The peers that are written in Python. They run in `.venv-bench` and know nothing of Cardwatch but the contract."""
