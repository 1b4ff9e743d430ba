# syntax=docker/dockerfile:1
# Two stages: the first builds a virtual environment, the second holds nothing but it.
# The base is pinned by version; pin it by digest too where your registry rebuilds tags.
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/dumptask-bot
COPY config/constraints.txt config/demo.yaml config/
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN /opt/dumptask-bot/bin/pip install --constraint config/constraints.txt ".[fast,postgres]"

FROM python:3.11.13-slim-bookworm
# /var/lib/dumptask-bot is the only place that is written: mount a volume there, and the root file
# system can be read-only. The configuration is mounted at /etc/dumptask-bot/config.yaml.
RUN groupadd --gid 10001 dumptask \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin dumptask \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/dumptask-bot
COPY --from=build /opt/dumptask-bot /opt/dumptask-bot
ENV PATH=/opt/dumptask-bot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DUMPTASK_CONFIG=/etc/dumptask-bot/config.yaml
USER 10001:10001
WORKDIR /var/lib/dumptask-bot
VOLUME ["/var/lib/dumptask-bot"]
EXPOSE 8080
# Healthy while the loops of the process are alive; an outage of the cloud or of Slack is not
# a reason to restart it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('DUMPTASK_HEALTH_PORT', '8080') + '/healthz', timeout=4).read()"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["dumptask-bot"]
CMD ["run"]
