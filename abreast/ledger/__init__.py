"""The ledger: what happened to each drop, each update, each version, each promotion and each review."""

from pathlib import Path

from abreast.ledger.database import Database
from abreast.ledger.deliveries import Deliveries
from abreast.ledger.drops import Drops
from abreast.ledger.leases import Leases
from abreast.ledger.promotions import Promotions
from abreast.ledger.reviews import Reviews
from abreast.ledger.rows import DeliveryRecord, Drop, Lease, Promotion, Review, Update, Version, Withdrawal
from abreast.ledger.updates import Updates
from abreast.ledger.versions import Versions
from abreast.ledger.withdrawals import Withdrawals
from abreast.storage.dvc_cache import Pointer

__all__ = [
    "DeliveryRecord",
    "Drop",
    "Lease",
    "Ledger",
    "Pointer",
    "Promotion",
    "Review",
    "Update",
    "Version",
    "Withdrawal",
    "open_ledger",
]


class Ledger:
    """The whole ledger over one database, for many processes and threads; every call is one transaction."""

    def __init__(self, database: Database) -> None:
        self.deliveries = Deliveries(database)
        self.drops = Drops(database)
        self.updates = Updates(database)
        self.versions = Versions(database)
        self.promotions = Promotions(database)
        self.reviews = Reviews(database)
        self.withdrawals = Withdrawals(database)
        self.leases = Leases(database)


def open_ledger(url: str, project_root: Path) -> Ledger:
    """Open the ledger at `url` (knob `storage.ledger`), making it if it is new.

    Args:
        url: such as `sqlite:///.abreast/ledger.db` (relative to `project_root`; the folder is made) or
            `postgresql://user@host/abreast`.

    Raises:
        AbreastError: the database is unreachable or broken, or its tables are of another version.
    """
    return Ledger(Database(url, project_root))
