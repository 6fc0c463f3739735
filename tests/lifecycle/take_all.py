"""`python -m tests.lifecycle.take_all`: take every arrival of this project in, as its flow does."""

from abreast.lifecycle.intake import arrivals, take
from abreast.services.services import Services

if __name__ == "__main__":
    services = Services.open()
    for delivery in arrivals(services.ledger, services.inbox):
        print(take(services.project, services.ledger, services.inbox, delivery).outcome)
