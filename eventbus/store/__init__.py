"""SQLite on disk: what was accepted survives a crash. One writer, which commits what has gathered as one."""

from eventbus.store.core import StorageError, Store

__all__ = ["StorageError", "Store"]
