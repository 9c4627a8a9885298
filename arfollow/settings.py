"""Every setting, in one file. Each variable has a type and a default that suits a laptop.

The list with explanations is docs/operations.md; a test keeps the two together.
"""

from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from kombu.entity import Exchange, Queue

from arfollow.shared.logs import WithoutWords, kind_and_place, one_line
from arfollow.shared.mailurl import mailer_from_url, signing_keys

django_stubs_ext.monkeypatch()  # lets ModelForm[Company] and its like be written as they are typed

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()  # NAME_FILE=/run/secrets/name is read too
env.read_env(env.path("ENV_FILE", default=str(BASE_DIR / ".env")))

# --- Where we run -------------------------------------------------------------------------------

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# A machine without a secret key is somebody's laptop; one with a key is taken seriously.
DEBUG = env.bool("DEBUG", default=not SECRET_KEY)
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK)
HTTPS = env.bool("HTTPS", default=not DEBUG)

if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is required when DEBUG is off.")
    if set(ALLOWED_HOSTS) - {*LOOPBACK, "testserver"}:
        raise ImproperlyConfigured("SECRET_KEY is required for ALLOWED_HOSTS beyond this machine.")
    SECRET_KEY = "this-key-serves-a-laptop-and-nothing-that-others-can-reach"  # noqa: S105  # no secret

ROOT_URLCONF = "arfollow.urls"
WSGI_APPLICATION = "arfollow.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Applications -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "arfollow.shared",
    "arfollow.staff",
    "customers",
    "invoices",
    "dunning",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "anymail",
    "django_htmx",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "arfollow.shared.private.PrivatePagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "arfollow.staff.sessions.AbsoluteEndMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "arfollow.staff.secondfactor.SecondFactorMiddleware",
    "arfollow.staff.permissions.WriteRightsMiddleware",
    "arfollow.staff.rates.RatesMiddleware",
    "arfollow.staff.zone.CompanyZoneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "arfollow.shared.requestlog.RequestLog",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dunning.views.stoplights.stop_lights",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database -----------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/arfollow.sqlite3")}
ON_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"

if ON_SQLITE:
    # IMMEDIATE takes the write lock at BEGIN: a read that turns into a write would fail at once,
    # whatever the timeout. FULL: a power cut must not undo a committed "sending".
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON; PRAGMA busy_timeout=20000;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# In the database, so that the limits on log-in attempts hold across processes without Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Beyond these, counts are thrown away: knocking at 300 doors must not open a closed one.
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# --- Mail ---------------------------------------------------------------------------------------

MAIL_DIR = VAR_DIR / "mail"
MAIL_URL = env.str("MAIL_URL", default=f"file://{MAIL_DIR}")
MAILERS = {"default": mailer_from_url(MAIL_URL)}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="receivables@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
ANYMAIL = {
    # "user:password", or two of them separated by a comma while the secret is being changed.
    "WEBHOOK_SECRET": env.list("MAIL_WEBHOOK_SECRET", default=[]) or None,
    "REQUESTS_TIMEOUT": (3, 10),
    **signing_keys(MAIL_URL, env.str("MAIL_WEBHOOK_KEY", default="")),
}

# --- Sending ------------------------------------------------------------------------------------

SEND_LEASE_SECONDS = env.int("SEND_LEASE_SECONDS", default=120)
SEND_DEADLINE_SECONDS = env.int("SEND_DEADLINE_SECONDS", default=20)
# Told apart from every other installation by a file that no database backup carries along.
INSTANCE_FILE = VAR_DIR / "instance"

# --- Queue --------------------------------------------------------------------------------------

TICK_SECONDS = env.int("TICK_SECONDS", default=60)
MORNING_MAIL = env.bool("MORNING_MAIL", default=True)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
BROKER_DIR = VAR_DIR / "broker"
VISIBILITY_TIMEOUT = 600

CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any]
if CELERY_BROKER_URL.startswith("filesystem:"):
    for part in ("messages", "control"):
        (BROKER_DIR / part).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "retry_on_timeout": False,
        "health_check_interval": 25,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    }
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_ACKS_LATE = False  # a message is a doorbell; the work is in the database
# Without acknowledgements none can get lost: while Redis hangs they time out, each keeps its
# place of the prefetch for good, and the worker is deaf when Redis answers again.
CELERY_TASK_QUEUES = [Queue("celery", Exchange("celery"), routing_key="celery", no_ack=True)]
CELERY_TASK_SOFT_TIME_LIMIT = 40
CELERY_TASK_TIME_LIMIT = 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # kB
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
# A tick that nobody picked up before the next one comes has nothing to add.
CELERY_BEAT_SCHEDULE = {
    name: {
        "task": f"dunning.tasks.{name}",
        "schedule": float(TICK_SECONDS),
        "options": {"expires": TICK_SECONDS},
    }
    for name in ("plan_due", "morning", "send_some", "sweep")
}

# --- People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "arfollow.staff.adapter.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody makes us write to strangers
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/300s/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "arfollow"
MFA_ADAPTER = "arfollow.staff.sealing.SealedFactors"
REQUIRE_SECOND_FACTOR = env.bool("REQUIRE_SECOND_FACTOR", default=HTTPS)

# Four hours without a click ends a session, twelve in all; the page keeps what was typed.
SESSION_COOKIE_AGE = env.int("SESSION_IDLE_SECONDS", default=4 * 60 * 60)
SESSION_ABSOLUTE_SECONDS = env.int("SESSION_ABSOLUTE_SECONDS", default=12 * 60 * 60)
SESSION_SAVE_EVERY_REQUEST = True

# --- Security -----------------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "frame-src": [CSP.SELF],  # previews of messages, sandboxed
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
FILE_UPLOAD_PERMISSIONS = 0o640
if HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz)$"]  # asked by the container, in clear
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrf"
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

# Costly things: for each account, refused webhooks for each caller.
RATES_PER_MINUTE = {
    "preview": env.int("PREVIEWS_PER_MINUTE", default=240),
    "export": env.int("EXPORTS_PER_MINUTE", default=30),
    "import": env.int("IMPORTS_PER_MINUTE", default=10),
    "webhook": env.int("REFUSED_WEBHOOKS_PER_MINUTE", default=60),
}

# Read by monitoring as "Authorization: Bearer …"; without one only a logged-in admin sees /metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- Documents ----------------------------------------------------------------------------------

# What the process that sets PDFs may know of our environment: no secret, no address (D13).
PDF_PRESS_ENV = {
    name: env.str(name)
    for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "FONTCONFIG_PATH",
                 "FONTCONFIG_FILE")
    if name in env
}  # fmt: skip

# --- Language, time, files ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
MEDIA_URL = ""  # every file goes through a view that knows who may see it
STORAGES = {
    "default": {"BACKEND": "arfollow.shared.keptfiles.WholeFiles"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

# --- Logs ---------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_JSON = env.bool("LOG_JSON", default=not DEBUG)
_SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    # On a laptop the whole traceback; elsewhere its words may be a customer's.
    structlog.processors.format_exc_info if DEBUG else kind_and_place,
    one_line,
    structlog.processors.UnicodeDecoder(),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": (
                structlog.processors.JSONRenderer()
                if LOG_JSON
                else structlog.dev.ConsoleRenderer(colors=False)
            ),
            "foreign_pre_chain": _SHARED_PROCESSORS[:-1],
        }
    },
    "filters": {"without_words": {"()": WithoutWords}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "structured",
            "filters": [] if DEBUG else ["without_words"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED_PROCESSORS,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

# PostgreSQL covers the ageing query by an index with included columns; SQLite does without.
SILENCED_SYSTEM_CHECKS = ["models.W040"]
