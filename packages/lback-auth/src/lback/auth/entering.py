"""What comes after the password in a browser: the session of the user, or first the second factor."""

from lback.auth.authentication import must_set_up, needs_code
from lback.auth.events import announce
from lback.auth.models import User
from lback.auth.sessions import login, wait_for_code
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request

CODE_PAGE, SETUP_PAGE = "web_second_factor_page", "web_second_factor_setup"


def enter(request: Request, user: User, target: str, succeeded: str = "user_login_successful") -> str:
    """Log in a user whose password was right, unless a second factor is to come; return where to go.

    Args:
        request: The request that had the password.
        user: Who.
        target: Where the login leads in the end, a path of this site.
        succeeded: The name of the signal for a login.

    Raises:
        ConfigurationError: The second factor's pages are not among the routes, so nobody could show it.
    """
    if needs_code(request, user):
        following = CODE_PAGE
    elif must_set_up(request, user):
        following = SETUP_PAGE
    else:
        login(request, user)
        announce(request, succeeded, enter, user=user)
        return target
    wait_for_code(request, user, succeeded)
    try:
        return request.url_for(following, next=target)
    except ValueError as error:
        raise ConfigurationError(
            "A user has, or needs, a second factor, and its pages are missing: put include('lback.auth_app.urls', "
            "prefix='/auth/') into the urlpatterns."
        ) from error
