"""The usual way: what a good engineer writes in an afternoon with Starlette and redis-py.

It does what the product does for a fetch: the API key is checked, the tenant is known, the rate limit is charged
by the same GCRA, the passcode is consumed atomically, sealed at rest and counted. No cache, no pipelining.
"""

import os
from base64 import b64decode
from hashlib import sha256

import redis.asyncio
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter, Histogram
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_FETCH = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now) + ARGV[1]
if arrival - now > 1000000 then return {429, ''} end
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', 1000)
local value = redis.call('GETDEL', KEYS[2])
if not value then return {410, ''} end
return {200, value}
"""

_redis = redis.asyncio.from_url(os.environ["BENCH_REDIS_URL"], max_connections=256)
_fetch = _redis.register_script(_FETCH)
_cipher = AESGCM(b64decode(os.environ["BENCH_KEY"]))
_requests = Counter("usual_requests", "Requests.", ["status"])
_seconds = Histogram("usual_request_seconds", "Latency.")


async def fetch(request: Request) -> JSONResponse:
    tenant_id, key = request.path_params["tenant_id"], request.path_params["key"]
    with _seconds.time():
        digest = sha256(request.headers.get("x-api-key", "").encode()).hexdigest()
        if await _redis.hget("usual:api-keys", digest) != tenant_id.encode():
            _requests.labels("401").inc()
            return JSONResponse({"status": "Failed", "message": "Unauthenticated."}, 401)
        status, value = await _fetch(keys=[f"usual:limit:{digest}", f"usual:{tenant_id}:{key}"], args=[1])
        _requests.labels(str(status)).inc()
        if status != 200:
            return JSONResponse({"status": "Failed", "message": "Pass Key Expired"}, status)
        phrase = _cipher.decrypt(value[:12], value[12:], f"{tenant_id}:{key}".encode())
        return JSONResponse({"status": "Success", "pass_phrase": phrase.decode()})


app = Starlette(routes=[Route("/api/v2/{tenant_id}/identity/passcode/{key}", fetch)])
