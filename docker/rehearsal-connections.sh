#!/bin/sh
# Tells Airflow where the rehearsal tenant is; its key, password and host key are made when it starts.
set -eu
python /opt/alma-user-purge/docker/rehearsal_connections.py /opt/airflow/rehearsal/ready.json > /tmp/connections.json
airflow connections import /tmp/connections.json --overwrite
rm -f /tmp/connections.json
