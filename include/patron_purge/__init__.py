"""The purge itself: pure functions on records and data frames, without HTTP and without Airflow."""
