"""The audit journal: signs records, keeps them on disk until they are delivered to the database."""
