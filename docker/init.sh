#!/bin/sh
# Prepares the database and the first administrator; running it again changes nothing.
set -eu
airflow db migrate
airflow fab-db migrate
if ! airflow users list --output json | grep -q "\"username\": \"${SITE_ADMIN_USER}\""; then
    airflow users create --role Admin --username "${SITE_ADMIN_USER}" --password "${SITE_ADMIN_PASSWORD}" \
        --firstname Site --lastname Administrator --email "${SITE_ADMIN_EMAIL}"
fi
