"""Sign-in services (OpenID Connect): where a browser is sent, and what counts of what it brings back.

Authorization code with PKCE (RFC 7636, S256 alone), `state`, `nonce`, and the issuer in the answer (RFC 9207). An ID
token counts where its signature is one of the issuer's and iss, aud, azp, exp, iat, nonce and sub are as OpenID Connect
Core 1.0, 3.1.3.7, asks for.
"""

import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from backend.accounts.identities import Departure, Identity
from backend.config import Provider
from sync.codec import UNREADABLE_JSON
from sync.details import (
    ANSWER_OF_ANOTHER,
    ANSWER_OF_NOBODY,
    ASKED_BY_ANOTHER,
    FOR_SEVERAL,
    ID_TOKEN_UNSIGNED,
    ID_TOKEN_WRONG,
    NO_CODE,
    NO_ID_TOKEN,
    NO_KEYS,
    NO_SECRET,
    NO_SECRET_FILE,
    NO_SERVICE,
    OTHER_ACCOUNT,
    OTHER_ISSUER,
    TWO_SERVICES,
    UNENCRYPTED_SERVICE,
)
from sync.problems import (
    BAD_ARGUMENT,
    NO_FILE,
    NOT_FOUND,
    PROVIDER_DOWN,
    PROVIDER_LIED,
    PROVIDER_REFUSED,
    Problem,
)

TIMEOUT_S: Final = 10.0
KEPT_MS: Final = 3_600_000
"""How long it is believed what a service says of itself; its keys are asked for anew when one is unknown."""
LEEWAY_S: Final = 60
"""How far its clock may be from ours."""
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures by a key pair: with a shared secret, whoever knows it could sign."""
_MOST_TOKEN: Final = 100_000
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


_T = TypeVar("_T")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a service says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    sub: str
    email: str = ""
    email_verified: bool | str = False

    @property
    def is_verified(self) -> bool:
        return self.email_verified in (True, "true")


def secrets_of(providers: Iterable[Provider], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The secret of each service by its id, "" for a public client; NO_FILE or BAD_ARGUMENT where one is not there."""
    found: dict[str, str] = {}
    for one in providers:
        if one.id in found:
            raise Problem(BAD_ARGUMENT, TWO_SERVICES.of(id=one.id))
        if urlsplit(one.issuer).scheme != "https" and urlsplit(one.issuer).hostname not in _LOOPBACK:
            raise Problem(BAD_ARGUMENT, UNENCRYPTED_SERVICE.of(id=one.id))
        found[one.id] = _secret(one, environment)
    return found


def _secret(provider: Provider, environment: Mapping[str, str]) -> str:
    if provider.secret_file:
        try:
            return Path(provider.secret_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(NO_FILE, NO_SECRET_FILE.of(id=provider.id), provider.secret_file) from error
    if provider.secret_env and provider.secret_env not in environment:
        raise Problem(BAD_ARGUMENT, NO_SECRET.of(name=provider.secret_env, id=provider.id))
    return environment.get(provider.secret_env, "") if provider.secret_env else ""


class Providers:
    """The services of this office. `back_to` says under which address each sends the browser back."""

    def __init__(
        self,
        providers: tuple[Provider, ...],
        *,
        url: str,
        now_ms: Callable[[], int],
        trust: Path | None = None,
    ) -> None:
        self.all = providers
        self._by_id = {one.id: one for one in providers}
        self._secrets = secrets_of(providers)
        self._url = url.rstrip("/")
        self._now_ms = now_ms
        self._tls = ssl.create_default_context()
        if trust is not None:
            self._tls.load_verify_locations(trust)
        self._held: dict[str, tuple[int, Metadata, KeySet]] = {}

    def provider(self, id_: str) -> Provider:
        """The service of this id; NOT_FOUND where there is none."""
        if id_ not in self._by_id:
            raise Problem(NOT_FOUND, NO_SERVICE.of(name=id_[:40]))
        return self._by_id[id_]

    async def where(self, departure: Departure) -> str:
        """The address at the service with which this sign-in begins; PROVIDER_DOWN where it does not answer."""
        provider = self.provider(departure.provider)
        async with self._client(provider) as client:
            metadata, _ = await self._known(client, provider)
            more = {"state": departure.state, "nonce": departure.nonce, "code_verifier": departure.verifier}
            url, _ = client.create_authorization_url(metadata.authorization_endpoint, **more)
        return str(url)

    async def identity(self, departure: Departure, answer: Mapping[str, str]) -> Identity:
        """Who the service says has come, by the parameters that the browser brought back.

        PROVIDER_REFUSED where it let nobody in, PROVIDER_LIED where something of it does not hold, PROVIDER_DOWN.
        """
        provider = self.provider(departure.provider)
        async with self._client(provider) as client:
            metadata, keys = await self._known(client, provider)
            _check_issuer(metadata, answer.get("iss"))
            if answer.get("error"):
                raise Problem(PROVIDER_REFUSED, _plain(answer["error"]))
            if not answer.get("code"):
                raise Problem(PROVIDER_LIED, NO_CODE.of())
            client.token_endpoint_auth_method = self._method(provider, metadata)
            token = await self._token(client, metadata, answer["code"], departure.verifier)
            said = await self._read(client, provider, metadata, keys, str(token.get("id_token", "")))
            claims = self._claims(provider, metadata, departure, said)
            if not claims.email and metadata.userinfo_endpoint:
                claims = await _asked(client, metadata, claims)
        return Identity(
            issuer=metadata.issuer, subject=claims.sub, email=claims.email, email_verified=claims.is_verified
        )

    # -- what is asked of the service ----------------------------------------------
    def _client(self, provider: Provider) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=provider.client_id,
            client_secret=self._secrets[provider.id] or None,
            scope=provider.scope,
            redirect_uri=f"{self._url}/sign-in/with/{provider.id}/answer",
            code_challenge_method="S256",
            verify=self._tls,
            timeout=TIMEOUT_S,
            follow_redirects=False,
        )

    def _method(self, provider: Provider, metadata: Metadata) -> str:
        """How the office says at the service that it is the office."""
        if not self._secrets[provider.id]:
            return "none"
        taken = metadata.token_endpoint_auth_methods_supported
        return "client_secret_basic" if "client_secret_basic" in taken else "client_secret_post"

    async def _known(self, client: AsyncOAuth2Client, provider: Provider) -> tuple[Metadata, KeySet]:
        held = self._held.get(provider.id)
        if held is not None and held[0] > self._now_ms() - KEPT_MS:
            return held[1], held[2]
        address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = _as(await _got(client, address), Metadata)
        if metadata.issuer != provider.issuer:
            raise Problem(PROVIDER_LIED, OTHER_ISSUER.of(name=metadata.issuer[:200]))
        for endpoint in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            if urlsplit(endpoint).scheme != "https" and urlsplit(provider.issuer).scheme == "https":
                raise Problem(PROVIDER_LIED, UNENCRYPTED_SERVICE.of(id=provider.id))
        keys = _keys(await _got(client, metadata.jwks_uri))
        self._held[provider.id] = (self._now_ms(), metadata, keys)
        return metadata, keys

    async def _token(self, client: AsyncOAuth2Client, metadata: Metadata, code: str, verifier: str) -> dict[str, Any]:
        try:
            token: dict[str, Any] = await client.fetch_token(
                metadata.token_endpoint, code=code, code_verifier=verifier, grant_type="authorization_code"
            )
        except OAuthError as error:
            raise Problem(PROVIDER_REFUSED, _plain(str(error.error))) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise Problem(PROVIDER_DOWN, type(error).__name__) from error
        return token

    async def _read(
        self, client: AsyncOAuth2Client, provider: Provider, metadata: Metadata, keys: KeySet, token: str
    ) -> dict[str, Any]:
        """What an ID token says that one of the issuer's keys has signed; keys are read anew once."""
        if not 0 < len(token) <= _MOST_TOKEN:
            raise Problem(PROVIDER_LIED, NO_ID_TOKEN.of())
        try:
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            fresh = _keys(await _got(client, metadata.jwks_uri))
        try:
            claims = jwt.decode(token, fresh, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            raise Problem(PROVIDER_LIED, ID_TOKEN_UNSIGNED.of()) from error
        self._held[provider.id] = (self._now_ms(), metadata, fresh)
        return claims

    def _claims(self, provider: Provider, metadata: Metadata, departure: Departure, said: dict[str, Any]) -> _Claims:
        registry = jwt.JWTClaimsRegistry(
            now=self._now_ms() // 1000,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": metadata.issuer},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": departure.nonce},
        )
        try:
            registry.validate(said)
        except JoseError as error:
            raise Problem(PROVIDER_LIED, ID_TOKEN_WRONG.of(what=str(error)[:200])) from error
        if isinstance(said["aud"], list) and len(said["aud"]) > 1 and "azp" not in said:
            raise Problem(PROVIDER_LIED, FOR_SEVERAL.of())
        if said.get("azp", provider.client_id) != provider.client_id:
            raise Problem(PROVIDER_LIED, ASKED_BY_ANOTHER.of())
        return _as(said, _Claims)


def _check_issuer(metadata: Metadata, said: str | None) -> None:
    """Return only if the answer is this service's and no other's (RFC 9207)."""
    if said != metadata.issuer and (said is not None or metadata.authorization_response_iss_parameter_supported):
        raise Problem(PROVIDER_LIED, ANSWER_OF_ANOTHER.of(name=said[:200]) if said else ANSWER_OF_NOBODY.of())


async def _asked(client: AsyncOAuth2Client, metadata: Metadata, claims: _Claims) -> _Claims:
    """The same with what the service says of the account where its ID token says no address."""
    said = _as(await _got(client, metadata.userinfo_endpoint, token=True), _Claims)
    if said.sub != claims.sub:
        raise Problem(PROVIDER_LIED, OTHER_ACCOUNT.of())
    return said


async def _got(client: AsyncOAuth2Client, address: str, *, token: bool = False) -> Any:  # noqa: ANN401 - JSON
    try:
        answer = await client.request("GET", address, withhold_token=not token)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content)
    except (httpx2.HTTPError, OAuthError, msgspec.DecodeError) as error:
        raise Problem(PROVIDER_DOWN, address[:200]) from error


def _keys(said: Any) -> KeySet:  # noqa: ANN401 - JSON
    try:
        return KeySet.import_key_set(said)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Problem(PROVIDER_LIED, NO_KEYS.of()) from error


def _as(said: Any, shape: type[_T]) -> _T:  # noqa: ANN401 - JSON into a shape
    try:
        return msgspec.convert(said, shape)
    except UNREADABLE_JSON as error:
        raise Problem(PROVIDER_LIED, str(error)[:200]) from error


def _plain(code: str) -> str:
    """An error code, and nothing that only looks like one."""
    return code[:80] if code.replace("_", "").replace("-", "").isalnum() and code.isascii() else "an error"
