# One image for web, worker and beat; docker-compose.yml starts the three.
FROM python:3.13-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        fontconfig fonts-dejavu-core fonts-liberation \
        libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
        postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 arfollow \
    && install --directory --owner arfollow /srv/arfollow /srv/arfollow/var

WORKDIR /srv/arfollow
ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 DEBUG=false

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt

COPY --chown=arfollow manage.py ./
COPY --chown=arfollow arfollow ./arfollow
COPY --chown=arfollow customers ./customers
COPY --chown=arfollow invoices ./invoices
COPY --chown=arfollow dunning ./dunning
COPY --chown=arfollow templates ./templates
COPY --chown=arfollow static ./static

USER arfollow
# Static files belong to the image, not to the volume at var/.
RUN SECRET_KEY=only-while-building STATIC_ROOT=/srv/arfollow/static-built \
    python manage.py collectstatic --noinput --verbosity 0
ENV STATIC_ROOT=/srv/arfollow/static-built

EXPOSE 8000
CMD ["gunicorn", "arfollow.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--no-control-socket"]
