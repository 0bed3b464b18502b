"""Signing and verifying JSON Web Tokens."""

import hmac
import json
import time
from base64 import urlsafe_b64encode

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lback.auth.jwt_auth import InvalidTokenError, JWTAuth
from lback.auth_app.app import app
from lback.core.config import Config
from lback.core.exceptions import ConfigurationError

SECRET = "Tq7-vB2xKp9mWz4Rc8-jL5nYd3Hf6s-Ug1aEoQ"
OTHER = "Zx9-cV8bNm7aSd6Fg5-hJ4kLq3We2r-Ty1uIoP"
CLAIMS = ("1", "a" * 32)
# What JSON can hold, and no claim of ours is.
NO_CLAIMS = st.none() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text(), max_size=2)


@pytest.fixture(scope="module")
def keys():
    """Pairs of keys in PEM, private and public, by algorithm."""
    pytest.importorskip("cryptography", reason="cryptography is not installed; it comes with lback-auth[asymmetric]")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    def pair(private):
        encoding = serialization.Encoding.PEM
        return (
            private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
            private.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        )

    return {
        "RS256": pair(rsa.generate_private_key(65537, 2048)),
        "PS256": pair(rsa.generate_private_key(65537, 2048)),
        "ES256": pair(ec.generate_private_key(ec.SECP256R1())),
        "ES384": pair(ec.generate_private_key(ec.SECP384R1())),
        "EdDSA": pair(ed25519.Ed25519PrivateKey.generate()),
        "weak RSA": pair(rsa.generate_private_key(65537, 1024)),
    }


def settings(**changes):
    return Config({**app.settings, "SECRET_KEY": SECRET, **changes})


def part(document):
    """Return a part of a token."""
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def signed(header, claims, key, digest="sha256"):
    """Return a token that PyJWT might refuse to make."""
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{urlsafe_b64encode(hmac.digest(key.encode(), text.encode(), digest)).rstrip(b'=').decode()}"


def forged(key=SECRET, digest="sha256", header=None, without=(), **changes):
    """Return a token like ours with something else in it."""
    ours = JWTAuth(SECRET).create_access_token(*CLAIMS)
    claims = {**jwt.decode(ours, options={"verify_signature": False}), **changes}
    headers = {**jwt.get_unverified_header(ours), **(header or {})}
    return signed(headers, {name: claims[name] for name in claims if name not in without}, key, digest)


class TestTokens:
    def test_say_what_was_put_in(self):
        signing = JWTAuth(SECRET)
        claims = signing.decode_token(signing.create_access_token("7", "b" * 32), "access")
        assert (claims.user_id, claims.login_id) == ("7", "b" * 32)
        assert 890 <= claims.expires_at - time.time() <= 900

    def test_of_renewal_say_until_when_the_login_lasts(self):
        signing = JWTAuth(SECRET)
        until = int(time.time()) + 60
        claims = signing.decode_token(signing.create_refresh_token("7", "b" * 32, "an id", until), "refresh")
        assert (claims.token_id, claims.expires_at) == ("an id", until)

    def test_have_every_claim_that_the_standards_ask_for(self):
        claims = jwt.decode(JWTAuth(SECRET).create_access_token(*CLAIMS), options={"verify_signature": False})
        assert claims.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "type"}

    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
    def test_can_be_signed_with_a_private_key(self, keys, algorithm):
        signing = JWTAuth(keys[algorithm][0], algorithm)
        assert signing.decode_token(signing.create_access_token(*CLAIMS), "access").user_id == "1"


class TestRefused:
    @pytest.mark.parametrize(
        "token",
        [
            forged(key=OTHER),
            forged(digest="sha512", header={"alg": "HS512"}),
            forged(header={"alg": "HS512"}),
            forged(iss="lbac"),
            forged(iss="lback.example"),
            forged(aud="lbac"),
            forged(aud=["lback", "other"]),
            forged(type="refresh"),
            forged(type=["access"]),
            forged(exp=int(time.time()) - 1),
            forged(nbf=int(time.time()) + 600),
            forged(exp="soon"),
            forged(sub=""),
            forged(sub="x" * 65),
            forged(sid=""),
            forged(header={"kid": "another"}),
            forged(header={"kid": None}),
            forged(header={"crit": ["exp"]}),
            *(forged(without=[name]) for name in ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "type")),
        ],
    )
    def test_where_something_is_not_as_it_should_be(self, token):
        with pytest.raises(InvalidTokenError) as refusal:
            JWTAuth(SECRET).decode_token(token, "access")
        assert token not in str(refusal.value)

    def test_the_one_that_they_were_made_from_is_not(self):
        assert JWTAuth(SECRET).decode_token(forged(), "access").user_id == "1"

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
    def test_without_a_signature(self, name):
        _, claims, _ = forged().split(".")
        kid = jwt.get_unverified_header(forged())["kid"]
        header = part({"alg": name, "typ": "JWT", "kid": kid})
        for token in (f"{header}.{claims}.", f"{header}.{claims}", f"{header}.{claims}.AA"):
            with pytest.raises(InvalidTokenError):
                JWTAuth(SECRET).decode_token(token, "access")

    def test_that_name_no_key(self):
        ours = forged()
        header = {name: value for name, value in jwt.get_unverified_header(ours).items() if name != "kid"}
        with pytest.raises(InvalidTokenError):
            JWTAuth(SECRET).decode_token(
                signed(header, jwt.decode(ours, options={"verify_signature": False}), SECRET), "access"
            )

    @pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c"])
    def test_by_no_key_that_their_header_brings(self, name):
        header = {name: "https://evil.example/keys", "kid": "another"}
        with pytest.raises(InvalidTokenError):
            JWTAuth(SECRET).decode_token(forged(OTHER, header=header), "access")
        assert JWTAuth(SECRET).decode_token(forged(header={name: "https://evil.example/keys"}), "access").user_id == "1"

    def test_with_another_payload_under_the_same_signature(self):
        header, _, signature = forged().split(".")
        _, claims, _ = forged(sub="2").split(".")
        with pytest.raises(InvalidTokenError):
            JWTAuth(SECRET).decode_token(f"{header}.{claims}.{signature}", "access")

    def test_signed_with_the_public_key_as_if_it_were_a_secret(self, keys):
        private, public = keys["RS256"]
        signing = JWTAuth(private, "RS256")
        ours = signing.create_access_token(*CLAIMS)
        header = {**jwt.get_unverified_header(ours), "alg": "HS256"}
        token = signed(header, jwt.decode(ours, options={"verify_signature": False}), public)
        with pytest.raises(InvalidTokenError):
            signing.decode_token(token, "access")

    def test_when_they_are_longer_than_any_of_ours(self):
        assert JWTAuth(SECRET).decode_token(forged(more="x" * 2000), "access").user_id == "1"
        for length in (5_000, 1_000_000):
            with pytest.raises(InvalidTokenError):
                JWTAuth(SECRET).decode_token(forged(more="x" * length), "access")

    @given(st.text(max_size=300))
    def test_whatever_text_it_is(self, text):
        with pytest.raises(InvalidTokenError):
            JWTAuth(SECRET).decode_token(text, "access")

    @given(st.sampled_from(["sub", "sid", "jti", "exp", "nbf", "iss", "aud", "type"]), NO_CLAIMS)
    def test_whatever_else_the_claims_are(self, name, value):
        with pytest.raises(InvalidTokenError):
            JWTAuth(SECRET).decode_token(forged(**{name: value}), "access")


class TestKeyRotation:
    def test_the_new_key_signs_and_the_old_one_still_verifies_as_long_as_it_is_listed(self):
        old = JWTAuth(SECRET).create_access_token(*CLAIMS)
        rotated = JWTAuth(OTHER, fallbacks=[SECRET])
        assert rotated.decode_token(old, "access").user_id == "1"
        new = rotated.create_access_token(*CLAIMS)
        assert JWTAuth(OTHER).decode_token(new, "access").user_id == "1"
        for signing, token in ((JWTAuth(OTHER), old), (JWTAuth(SECRET), new)):
            with pytest.raises(InvalidTokenError):
                signing.decode_token(token, "access")

    def test_public_keys_are_enough_to_verify_with(self, keys):
        first, second = keys["RS256"], keys["PS256"]
        old = JWTAuth(first[0], "RS256").create_access_token(*CLAIMS)
        rotated = JWTAuth(second[0], "RS256", fallbacks=[first[1]])
        assert rotated.decode_token(old, "access").user_id == "1"

    def test_the_name_of_a_key_tells_nothing_of_it(self):
        kid = jwt.get_unverified_header(JWTAuth(SECRET).create_access_token(*CLAIMS))["kid"]
        assert len(kid) == 16
        assert kid not in SECRET

    def test_without_a_key_of_their_own_they_follow_the_secret_key(self):
        old = JWTAuth.from_config(settings()).create_access_token(*CLAIMS)
        rotated = JWTAuth.from_config(settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[SECRET]))
        assert rotated.decode_token(old, "access").user_id == "1"
        with pytest.raises(InvalidTokenError):
            JWTAuth.from_config(settings(SECRET_KEY=OTHER)).decode_token(old, "access")

    def test_the_secret_key_itself_signs_nothing(self):
        token = JWTAuth(SECRET).create_access_token(*CLAIMS)
        with pytest.raises(InvalidTokenError):
            JWTAuth.from_config(settings()).decode_token(token, "access")


class TestSettings:
    def test_say_how_long_tokens_last_and_who_signs(self):
        signing = JWTAuth.from_config(
            settings(JWT_ACCESS_MINUTES=2, JWT_REFRESH_DAYS=3, JWT_ISSUER="shop", JWT_AUDIENCE="app")
        )
        assert (signing.access_exp, signing.refresh_exp) == (120, 3 * 86400)
        claims = jwt.decode(signing.create_access_token(*CLAIMS), options={"verify_signature": False})
        assert (claims["iss"], claims["aud"]) == ("shop", "app")

    @pytest.mark.parametrize("algorithm", ["none", "NONE", "HS1", "", "hs256", "RS1"])
    def test_name_an_algorithm_that_is_known(self, algorithm):
        with pytest.raises(ConfigurationError, match="JWT_ALGORITHM must be one of HS256"):
            JWTAuth.from_config(settings(JWT_ALGORITHM=algorithm))

    @pytest.mark.parametrize(
        "secret",
        [
            "a short one",
            "a" * 64,
            "change-me-change-me-change-me-change-me",
            "0123456789abcdef0123456789abcde",
            '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODw-8d7f6g5h4j3k2l1"}',
            '["Tq7-vB2xKp9mWz4Rc8-jL5nYd3Hf6s-Ug1aEoQ"]',
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7",
        ],
    )
    def test_have_no_weak_secret_nor_a_key_of_another_kind(self, secret):
        for place in ({"JWT_SECRET_KEY": secret}, {"JWT_KEY_FALLBACKS": [secret]}):
            with pytest.raises(ConfigurationError, match="JWT_") as refusal:
                JWTAuth.from_config(settings(**place))
            assert secret not in str(refusal.value)

    def test_have_a_longer_secret_for_a_longer_hash(self):
        with pytest.raises(ConfigurationError, match="at least 64 random characters for HS512"):
            JWTAuth(SECRET, "HS512")
        assert JWTAuth.from_config(settings(JWT_ALGORITHM="HS512"))

    @pytest.mark.parametrize("fallbacks", ["a text, not a list", [1], [None]])
    def test_list_earlier_keys_as_texts(self, fallbacks):
        with pytest.raises(ConfigurationError, match="JWT_KEY_FALLBACKS"):
            JWTAuth.from_config(settings(JWT_KEY_FALLBACKS=fallbacks))

    @pytest.mark.parametrize("name", ["JWT_ACCESS_MINUTES", "JWT_REFRESH_DAYS"])
    @pytest.mark.parametrize("value", [0, -1])
    def test_let_tokens_last_some_time(self, name, value):
        with pytest.raises(ConfigurationError, match="more than 0"):
            JWTAuth.from_config(settings(**{name: value}))

    def test_need_a_private_key_where_the_algorithm_does(self, keys):
        with pytest.raises(ConfigurationError, match="needs a private key in PEM"):
            JWTAuth.from_config(settings(JWT_ALGORITHM="RS256"))
        with pytest.raises(ConfigurationError, match="a public one signs nothing"):
            JWTAuth(keys["RS256"][1], "RS256")
        with pytest.raises(ConfigurationError, match="PEM text"):
            JWTAuth(SECRET, "RS256")

    @pytest.mark.parametrize(
        ("algorithm", "kind", "message"),
        [
            ("RS256", "weak RSA", "1024 bits; use 2048"),
            ("RS256", "ES256", "no RSA key"),
            ("ES256", "RS256", "no key on the curve secp256r1"),
            ("ES256", "ES384", "no key on the curve secp256r1"),
            ("EdDSA", "ES256", "no Ed25519"),
        ],
    )
    def test_have_a_key_that_fits_the_algorithm(self, keys, algorithm, kind, message):
        with pytest.raises(ConfigurationError, match=message):
            JWTAuth(keys[kind][0], algorithm)

    def test_are_shown_without_the_keys(self):
        config = settings(JWT_SECRET_KEY=SECRET, JWT_KEY_FALLBACKS=[OTHER])
        assert SECRET not in repr(config) + repr(JWTAuth.from_config(config))
        assert OTHER not in repr(config)


def test_a_weak_key_stops_the_start_of_a_site(make_site):
    with pytest.raises(ConfigurationError, match="JWT_SECRET_KEY must have at least 32"):
        make_site(JWT_SECRET_KEY="secret")
