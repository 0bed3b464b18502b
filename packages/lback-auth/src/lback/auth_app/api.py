"""The JSON endpoints under ``/auth/api/``.

They take JSON objects and no cookies: who it is says the access token in ``Authorization: Bearer``, or a token in the
body. A page of another site can't send either in a visitor's name, so they need no CSRF token.
"""

from typing import Any

from lback.auth.authentication import Refusal, check_code, check_own_password, check_password, must_set_up, needs_code
from lback.auth.events import announce
from lback.auth.logins import SessionManager
from lback.auth.models import User
from lback.auth.tokens import TokenPair, bearer_user, issue, revoke
from lback.auth.tokens import refresh as next_pair
from lback.auth_app import accounts
from lback.auth_app.auth_forms import (
    ChangePasswordForm,
    LoginForm,
    RegisterForm,
    RequestPasswordResetForm,
    SetNewPasswordForm,
)
from lback.core.exceptions import BadRequest, Forbidden, NotFound, Unauthorized, ValidationError
from lback.core.request import Request
from lback.core.response import JSONResponse, Response
from lback.forms.forms import Form
from lback.security.csrf import csrf_exempt

REFUSED = "The user name or the password is not right, or the e-mail address is not confirmed yet."
CODE_NEEDED = "Send the code of the second factor along, as `code`."
CODE_WRONG = "The code of the second factor is not right, or was used already."
LINK_IS_OLD = "This token was used already, or is too old. Ask for a new one."


@csrf_exempt
def register(request: Request) -> Response:
    """``{username, email, password}``: make an account; the answer is the same when the address has one already."""
    sent = _texts(request, "username", "email", "password")
    data = _checked(RegisterForm(data={**sent, "password_confirm": sent["password"]}))
    try:
        accounts.register(request, data["username"], data["email"], data["password"])
    except ValidationError as error:
        raise _invalid({"username": [error.message]}) from error
    return _answer({"message": "Follow the link in the mail to confirm the address."}, 201)


@csrf_exempt
def login(request: Request) -> Response:
    """``{identifier, password}``, and ``code`` for users with a second factor: the tokens, and whose they are."""
    sent = _texts(request, "identifier", "password", code="")
    data = _checked(LoginForm(data=sent))
    found = check_password(request, data["identifier"], data["password"])
    if not isinstance(found, User):
        if isinstance(found, Refusal):
            accounts.send_confirmation(request, found.user)
        raise Unauthorized(REFUSED, headers=_BEARER, data={"code": "invalid_credentials"})
    if needs_code(request, found):
        if not sent["code"]:
            raise Unauthorized(CODE_NEEDED, headers=_BEARER, data={"code": "second_factor_required"})
        if not check_code(request, found, sent["code"]):
            raise Unauthorized(CODE_WRONG, headers=_BEARER, data={"code": "invalid_second_factor"})
    elif must_set_up(request, found):
        raise Forbidden(
            "This account needs a second factor: log in on the site once to set it up.",
            data={"code": "second_factor_missing"},
        )
    pair = issue(request, found)
    announce(request, "user_login_successful", login, user=found)
    return _answer({"message": "Logged in.", **_described(found), **_tokens(pair)})


@csrf_exempt
def refresh(request: Request) -> Response:
    """``{refresh_token}``: the next pair of tokens."""
    return _answer(_tokens(next_pair(request, _texts(request, "refresh_token")["refresh_token"])))


@csrf_exempt
def logout(request: Request) -> Response:
    """``{refresh_token}``: end the login that it belongs to, and its access tokens with it."""
    user = revoke(request, _texts(request, "refresh_token")["refresh_token"])
    if user is not None:
        announce(request, "user_logged_out", logout, user=user)
    return _answer({"message": "Logged out."})


@csrf_exempt
def verify_email(request: Request) -> Response:
    """``?token=``, or ``{token}`` by POST: confirm the address that the token was sent to."""
    token = request.GET.get("token", "") if request.method != "POST" else _texts(request, "token")["token"]
    if accounts.confirm_email(request, token) is None:
        raise BadRequest(LINK_IS_OLD, data={"code": "invalid_token"})
    return _answer({"message": "The address is confirmed."})


@csrf_exempt
def request_reset_password(request: Request) -> Response:
    """``{email}``: send a link to set another password, if there is such an account; the answer doesn't tell."""
    data = _checked(RequestPasswordResetForm(data=_texts(request, "email")))
    accounts.request_reset(request, data["email"])
    return _answer({"message": "If there is an account with this address, a mail is on its way."})


@csrf_exempt
def reset_password(request: Request) -> Response:
    """``{token, new_password}``: set another password; every login of the user ends."""
    sent = _texts(request, "token", "new_password")
    data = _checked(SetNewPasswordForm(data={**sent, "confirm_new_password": sent["new_password"]}))
    if accounts.reset_password(request, data["token"], data["new_password"]) is None:
        raise BadRequest(LINK_IS_OLD, data={"code": "invalid_token"})
    return _answer({"message": "The password is changed."})


@csrf_exempt
def change_password(request: Request) -> Response:
    """``{current_password, new_password}``: change it. Every login ends, and the answer has tokens for a new one."""
    owner = _user(request)
    sent = _texts(request, "current_password", "new_password")
    data = _checked(ChangePasswordForm(data={**sent, "confirm_new_password": sent["new_password"]}))
    if not check_own_password(request, owner, data["current_password"]):
        raise Forbidden("The current password is not right.", data={"code": "invalid_credentials"})
    accounts.change_password(request, owner, data["new_password"])
    return _answer({"message": "The password is changed.", **_tokens(issue(request, owner))})


@csrf_exempt
def user(request: Request) -> Response:
    """Tell whose the access token is."""
    return _answer(_described(_user(request)))


@csrf_exempt
def sessions(request: Request) -> Response:
    """List where the user is logged in; DELETE ends all of it, the access token at hand included."""
    owner = _user(request)
    manager = SessionManager()
    if request.method == "DELETE":
        manager.end_all(request.db_session, owner)
        announce(request, "user_session_ended", sessions, user=owner)
        return _answer({"message": "Logged out everywhere."})
    here = vars(request).get("login_id")
    return _answer(
        {
            "sessions": [
                {
                    "id": found.id,
                    "kind": found.kind,
                    "ip": found.ip,
                    "user_agent": found.user_agent,
                    "made_at": found.made_at,
                    "used_at": found.used_at,
                    "current": found.id == here,
                }
                for found in manager.logins(request.db_session, owner)
            ]
        }
    )


@csrf_exempt
def end_session(request: Request, login_id: str) -> Response:
    """End one login of the user.

    Raises:
        NotFound: The user has no such login, or has no more.
    """
    owner = _user(request)
    if not SessionManager().end(request.db_session, owner, login_id):
        raise NotFound("This login has ended already.")
    announce(request, "user_session_ended", end_session, user=owner)
    return _answer({"message": "The login has ended."})


_BEARER = {"WWW-Authenticate": "Bearer"}


def _user(request: Request) -> User:
    """Return the user of the access token; a session counts for nothing here."""
    authorization: str = request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Send an access token: Authorization: Bearer <token>.", headers=_BEARER)
    return bearer_user(request, token.strip())


def _texts(request: Request, *required: str, **optional: str) -> dict[str, str]:
    """Return the values of a JSON object, each a text.

    Raises:
        BadRequest: It is no object, one is missing, or one is no text.
    """
    sent = request.json
    if not isinstance(sent, dict):
        raise BadRequest(f"Expected a JSON object with {', '.join(required)}.")
    values: dict[str, Any] = {name: sent.get(name, optional.get(name)) for name in (*required, *optional)}
    errors = {
        name: ["This value is missing." if value is None else "This value must be a text."]
        for name, value in values.items()
        if not isinstance(value, str)
    }
    if errors:
        raise _invalid(errors)
    return values


def _checked(form: Form) -> dict[str, Any]:
    """Return what a form has accepted.

    Raises:
        BadRequest: It hasn't; the document says why, by field.
    """
    if not form.is_valid():
        raise _invalid({name: [error.message for error in errors] for name, errors in form.errors.items()})
    return form.cleaned_data


def _invalid(errors: dict[str, list[str]]) -> BadRequest:
    return BadRequest("Some values are not acceptable.", data={"errors": errors})


def _described(owner: User) -> dict[str, Any]:
    return {"user_id": owner.id, "username": owner.username, "email": owner.email}


def _tokens(pair: TokenPair) -> dict[str, Any]:
    return {
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
    }


def _answer(document: dict[str, Any], status: int = 200) -> Response:
    # RFC 6749, 5.1: what has tokens in it is kept by nobody.
    return JSONResponse(document, status, headers={"Cache-Control": "no-store"})
