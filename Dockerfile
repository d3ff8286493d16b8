# One image for every process of SMSHub; the command decides which. The Python is the one the tests run on.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
# The same version as in the Makefile.
ARG UV_VERSION=0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/smshub/.venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir --disable-pip-version-check "uv==${UV_VERSION}"
WORKDIR /opt/smshub
COPY pyproject.toml uv.lock ./
# Neither the embedded servers nor the development tools.
RUN uv sync --frozen --no-default-groups --no-cache --python /usr/local/bin/python3
COPY . .
RUN STATIC_ROOT=/opt/smshub/staticfiles .venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && .venv/bin/python -m compileall -q contacts delivery campaigns smshub simulator

FROM ${PYTHON}
RUN groupadd --system --gid 10001 smshub \
 && useradd --system --uid 10001 --gid smshub --home-dir /nonexistent --shell /usr/sbin/nologin smshub \
 && install -d -o smshub -g smshub -m 0700 /var/lib/smshub /var/lib/smshub/media /var/lib/smshub/tmp
COPY --from=build /opt/smshub /opt/smshub
WORKDIR /opt/smshub
ENV PATH=/opt/smshub/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/opt/smshub/staticfiles \
    MEDIA_ROOT=/var/lib/smshub/media
# Application files belong to root: the process cannot change its own code.
USER 10001:10001
EXPOSE 8000
# For the web process; docker-compose.yml has another for the workers. 127.0.0.1 must stand in ALLOWED_HOSTS.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["python", "-m", "uvicorn", "smshub.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--no-server-header", "--lifespan", "on"]
