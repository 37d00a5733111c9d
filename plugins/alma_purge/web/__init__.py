"""The review page, shown as a tab of the DAG run."""
