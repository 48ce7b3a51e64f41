"""What one server stores, as its parts hold it from their making on: opened when it starts."""

from understudy.errors import NotReady
from understudy.store.blobs import Blobs
from understudy.store.db import Store


class Storage:
    """The database and the blobs of one server; NotReady is raised for them until `open`."""

    def __init__(self) -> None:
        self._database: Store | None = None
        self._blobs: Blobs | None = None

    def open(self, database: Store, blobs: Blobs) -> None:
        """Hand out these from now on; whoever opened them closes them."""
        self._database = database
        self._blobs = blobs

    @property
    def database(self) -> Store:
        """The open database."""
        if self._database is None:
            raise NotReady("The server is still starting.")
        return self._database

    @property
    def blobs(self) -> Blobs:
        """The contents of files."""
        if self._blobs is None:
            raise NotReady("The server is still starting.")
        return self._blobs
