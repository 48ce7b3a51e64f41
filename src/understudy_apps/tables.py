"""What the tables of every application have in common: names of constraints, and ids."""

from sqlalchemy import BigInteger, Column, Identity, Integer, MetaData

NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""The type of ids: SQLite numbers rows only by its own INTEGER."""


def new_metadata() -> MetaData:
    """Return the place for an application's tables, which names their constraints."""
    return MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def id_column() -> Column[int]:
    """Return the column by which rows are numbered."""
    return Column("id", NUMBER, Identity(), primary_key=True)
