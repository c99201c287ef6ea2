"""DynamoDB stream: put the domain events of new ledger rows on the bus."""
