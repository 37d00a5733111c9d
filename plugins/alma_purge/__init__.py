"""The Airflow-facing side of the purge: hooks, operators, triggers and the review page."""
