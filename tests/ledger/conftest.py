from tests.lifecycle.ledgers import ledger, ledger_url, new_postgres

__all__ = ["ledger", "ledger_url", "new_postgres"]
