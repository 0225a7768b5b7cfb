# The edge and its commands. Production gives it a Redis by WATCHWORD_REDIS_URL and keys by WATCHWORD_KEYS;
# without a URL it starts the Redis binary of the `embedded` extra on the volume, which is enough to try it.

FROM python:3.13-slim AS base

FROM base AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r requirements/build.txt \
 && python -m venv --without-pip /opt/watchword \
 && pip --python /opt/watchword/bin/python install --require-hashes --only-binary :all: -r requirements/run.txt
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/watchword/bin/python install --no-index --no-deps /wheels/*.whl

FROM base
LABEL org.opencontainers.image.title="Watchword" \
      org.opencontainers.image.description="Redis-native, multi-tenant passcode engine" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 watchword \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/watchword --shell /usr/sbin/nologin watchword \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/watchword
COPY --from=build /opt/watchword /opt/watchword
ENV PATH=/opt/watchword/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHWORD_HOST=0.0.0.0 \
    WATCHWORD_DATA_DIR=/var/lib/watchword
USER 10001:10001
WORKDIR /var/lib/watchword
VOLUME /var/lib/watchword
EXPOSE 8080
STOPSIGNAL SIGTERM
# Plain HTTP: give another check where WATCHWORD_TLS_CERT is set. No urllib: it would go through a proxy of the host.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["python", "-c", "\
import http.client, os; \
edge = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('WATCHWORD_PORT') or 8080), timeout=2); \
edge.request('GET', '/livez'); \
raise SystemExit(edge.getresponse().status != 200)"]
ENTRYPOINT ["watchword"]
CMD ["serve"]
