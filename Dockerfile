# One image for every Airflow component of a site: Airflow, its providers and this package, from a hash-locked list.
# Pin the base image by digest once you have pulled it: docker buildx imagetools inspect python:3.12.8-slim-bookworm
ARG PYTHON_IMAGE=python:3.12.8-slim-bookworm
FROM ${PYTHON_IMAGE}

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/alma-user-purge/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/alma-user-purge/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False

RUN groupadd --gid 50000 airflow \
    && useradd --uid 50000 --gid airflow --home-dir /opt/airflow --create-home --shell /usr/sbin/nologin airflow \
    && install -d -o airflow -g airflow -m 0700 /opt/airflow/logs /opt/airflow/store /opt/airflow/rehearsal

WORKDIR /opt/alma-user-purge
COPY requirements-site.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-site.txt -c requirements-site.txt

COPY pyproject.toml README.md LICENSE ./
COPY dags ./dags
COPY plugins ./plugins
COPY include ./include
COPY docker ./docker
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && chmod 0755 docker/*.sh

USER airflow
ENTRYPOINT ["/opt/alma-user-purge/docker/entrypoint.sh"]
CMD ["airflow", "version"]
